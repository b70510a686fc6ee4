"""Opens connections and uses them as it is told on standard input, a command in each line; answers each with a line."""
import array
import os
import socket
import sys
import threading

connections = {}
parked = {}


def direct(host):
    return socket.create_connection((host, 7000), 20)


def tunnel(host):
    connection = socket.create_connection(("127.0.0.1", 3128), 20)
    connection.sendall(f"CONNECT {host}:7000 HTTP/1.1\r\nHost: {host}:7000\r\n\r\n".encode())
    head = connection.recv(4096)
    if not head.startswith(b"HTTP/1.1 200"):
        raise OSError(head.split(b"\r\n")[0].decode())
    return connection


def datagrams(host):
    address = socket.getaddrinfo(host, 7001, socket.AF_INET, socket.SOCK_DGRAM)[0][4]
    connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    connection.settimeout(2)
    connection.connect(address)
    return connection


def echo(connection):
    connection.sendall(b"hello")
    if connection.recv(100) != b"hello":
        raise OSError("end of file")
    return "ok"


def park(name):
    """The only copy is then in the queue of a Unix socket: no process has it."""
    parked[name] = socket.socketpair()
    files = array.array("i", [connections[name].fileno()])
    parked[name][0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
    connections.pop(name).close()
    return "ok"


def wait_for(name):
    """In another thread, which sleeps in recv(2)."""

    def read():
        try:
            print("waited", len(connections[name].recv(100)), flush=True)
        except OSError as problem:
            print("waited", problem.strerror, flush=True)

    connections[name].settimeout(None)
    threading.Thread(target=read, daemon=True).start()
    return "ok"


def unix(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    return "ok"


def hand_down(name):
    """A child keeps it, and nobody else."""
    ours, theirs = os.pipe()
    if os.fork() == 0:
        os.close(theirs)
        os.read(ours, 1)
        os._exit(0)
    os.close(ours)
    connections.pop(name).close()
    return "ok"


def obey(command, name, argument=None):
    if command in ("direct", "tunnel", "datagrams"):
        connections[name] = globals()[command](argument)
        return echo(connections[name])
    if command == "use":
        return echo(connections[name])
    return globals()[command](name)


for line in sys.stdin:
    try:
        answer = obey(*line.split())
    except OSError as problem:
        answer = problem.strerror or str(problem)
    print(answer, flush=True)
