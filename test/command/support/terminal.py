"""Drives a program on a terminal: a real one as far as the kernel is concerned (pty(7)).

Reads one JSON object from standard input: `argv`, `env`, `cwd`, `rows`, `columns`, and `steps`, each of
  {"expect": REGEX}        wait until what was written since the last `expect` matches
  {"send": TEXT}           type TEXT
  {"paste": [TEXT, N]}     type TEXT N times, reading what comes back meanwhile
  {"resize": [ROWS, COLS]} change the size of the window
  {"signal": NAME}         send SIGNAME to the program
  {"hangup": true}         close the terminal
  {"wait": true}           wait for the program to end
Then waits for the end and prints {"output", "status", "restored", "problem"} as JSON: `status` as a shell counts it,
`restored` whether the settings of the terminal are those from before.
"""
import fcntl
import json
import os
import re
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 20


class Terminal:
    def __init__(self, task):
        self.master, self.slave = os.openpty()
        self.resize(task["rows"], task["columns"])
        self.before = termios.tcgetattr(self.slave)
        self.output = b""
        self.seen = 0
        self.status = None
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.master)
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(self.slave, fd)
            os.closerange(3, 64)
            os.chdir(task["cwd"])
            os.execve(task["argv"][0], task["argv"], task["env"])

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        """Reads what there is; False when nothing came in time."""
        if self.master is None or not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            self.output += os.read(self.master, 65536)
        except OSError:
            return False
        return True

    def ended(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                code = os.waitstatus_to_exitcode(status)
                self.status = code if code >= 0 else 128 - code
        return self.status is not None

    def expect(self, pattern):
        end = time.monotonic() + PATIENCE
        while True:
            match = re.search(pattern.encode(), self.output[self.seen:], re.DOTALL)
            if match:
                self.seen += match.end()
                return
            if time.monotonic() > end or (self.ended() and not self.read(0.2)):
                raise Exception(f"it never wrote {pattern!r}")
            self.read(0.05)

    def send(self, data):
        while data:
            readable, writable, _ = select.select([self.master], [self.master], [], PATIENCE)
            if readable:
                self.read(0)
            if writable:
                data = data[os.write(self.master, data[:1024]):]

    def wait(self):
        end = time.monotonic() + PATIENCE
        while not self.ended():
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                raise Exception("it never ended")
            if not self.read(0.02):
                time.sleep(0.01)
        while self.read(0.1):
            pass

    def hang_up(self):
        os.close(self.master)
        os.close(self.slave)
        self.master = self.slave = None

    def restored(self):
        """A process that outlives the program may be the one that restores them: give it a moment."""
        if self.slave is None:
            return None
        end = time.monotonic() + 5
        while termios.tcgetattr(self.slave) != self.before:
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def step(self, step):
        (name, value), = step.items()
        if name == "expect":
            self.expect(value)
        elif name == "send":
            self.send(value.encode())
        elif name == "paste":
            self.send(value[0].encode() * value[1])
        elif name == "resize":
            self.resize(*value)
        elif name == "signal":
            os.kill(self.pid, getattr(signal, "SIG" + value))
        elif name == "hangup":
            self.hang_up()
        elif name == "wait":
            self.wait()
        else:
            raise Exception(f"unknown step {name}")


def main():
    task = json.load(sys.stdin)
    terminal = Terminal(task)
    problem = None
    try:
        for step in task["steps"]:
            terminal.step(step)
        terminal.wait()
    except Exception as error:
        problem = str(error)
        if not terminal.ended():
            os.kill(terminal.pid, signal.SIGKILL)
    json.dump(
        {
            "output": terminal.output.decode("utf8", "replace"),
            "status": terminal.status,
            "restored": terminal.restored(),
            "problem": problem,
        },
        sys.stdout,
    )


main()
