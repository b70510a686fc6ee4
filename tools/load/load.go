// A server and a client that cost as little as they can, for tools/bench-inspected.mjs: what is measured is what stands
// between them. `load serve CERT KEY` prints its port; `load MODE HOST:PORT [ADDRESS]` talks to it, by the proxy that
// HTTPS_PROXY names or else straight to ADDRESS, and trusts what SSL_CERT_FILE names. Modes: `kept` and `new` print
// requests per second with 16 connections, `hold N` opens N connections, prints a line, and waits for the end of its
// input, `bulk BYTES` reads one answer of that size.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const connections = 16

var answer = []byte("HTTP/1.1 200 OK\r\nDate: Mon, 02 Nov 2026 10:00:00 GMT\r\nContent-Type: application/json\r\n" +
	"Server: load\r\nETag: \"0123456789abcdef\"\r\nContent-Length: 27\r\n\r\n{\"items\":[1,2,3],\"next\":0}\n")

func main() {
	if os.Args[1] == "serve" {
		serve(os.Args[2], os.Args[3])
		return
	}
	load(os.Args[1], os.Args[2:])
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func serve(cert, key string) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	check(err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	check(err)
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		check(err)
		go answerAll(conn)
	}
}

func answerAll(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReaderSize(conn, 4096)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return
		}
		size := 0
		if rest, found := bytes.CutPrefix(line, []byte("GET /v1/bulk/")); found {
			size, _ = strconv.Atoi(string(rest[:bytes.IndexByte(rest, ' ')]))
		}
		for len(line) > 2 {
			if line, err = reader.ReadSlice('\n'); err != nil {
				return
			}
		}
		if size == 0 {
			_, err = conn.Write(answer)
		} else {
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size)
			block := make([]byte, 1<<18)
			for ; size > 0 && err == nil; size -= len(block) {
				_, err = conn.Write(block[:min(size, len(block))])
			}
		}
		if err != nil {
			return
		}
	}
}

type target struct {
	name, address, proxy string
	// A header line for the proxy, or nothing.
	login  string
	config *tls.Config
}

func (t target) open() (*tls.Conn, *bufio.Reader, error) {
	to := t.proxy
	if to == "" {
		to = t.address
	}
	plain, err := net.Dial("tcp", to)
	if err != nil {
		return nil, nil, err
	}
	if t.proxy != "" {
		fmt.Fprintf(plain, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", t.name, t.name, t.login)
		if err := skipHead(bufio.NewReaderSize(oneByOne{plain}, 512)); err != nil {
			return nil, nil, err
		}
	}
	conn := tls.Client(plain, t.config)
	return conn, bufio.NewReaderSize(conn, 1<<16), conn.Handshake()
}

// What follows the answer to CONNECT belongs to TLS.
type oneByOne struct{ io.Reader }

func (r oneByOne) Read(into []byte) (int, error) { return r.Reader.Read(into[:1]) }

func skipHead(reader *bufio.Reader) error {
	_, err := readHead(reader)
	return err
}

func readHead(reader *bufio.Reader) (size int, err error) {
	for first := true; ; first = false {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if first && !bytes.Contains(line, []byte(" 200 ")) {
			return 0, fmt.Errorf("answer: %s", line)
		}
		if len(line) == 2 {
			return size, nil
		}
		if len(line) > 16 && bytes.EqualFold(line[:16], []byte("content-length: ")) {
			size, err = strconv.Atoi(strings.TrimSpace(string(line[16:])))
		}
	}
}

func ask(conn io.Writer, reader *bufio.Reader, request []byte) error {
	if _, err := conn.Write(request); err != nil {
		return err
	}
	size, err := readHead(reader)
	if err == nil {
		_, err = io.CopyN(io.Discard, reader, int64(size))
	}
	return err
}

func load(mode string, args []string) {
	host, _, err := net.SplitHostPort(args[0])
	check(err)
	t := target{name: args[0], config: &tls.Config{ServerName: host}}
	if proxy, err := url.Parse(os.Getenv("HTTPS_PROXY")); err == nil {
		t.proxy = proxy.Host
		if proxy.User != nil {
			password, _ := proxy.User.Password()
			pair := base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))
			t.login = "Proxy-Authorization: Basic " + pair + "\r\n"
		}
	}
	if t.proxy == "" {
		t.address = args[1]
	}
	last := args[len(args)-1]
	request := func(path string) []byte {
		return []byte("GET " + path + " HTTP/1.1\r\nHost: " + strings.TrimSuffix(t.name, ":443") + "\r\nUser-Agent: load/1.0\r\nAccept: application/json\r\n" +
			"Authorization: Bearer 0123456789\r\nAccept-Language: en\r\n\r\n")
	}
	switch mode {
	case "kept", "new":
		seconds, err := strconv.ParseFloat(last, 64)
		check(err)
		fmt.Printf("%.1f\n", rate(t, mode == "new", request("/v1/things/42?page=3"), seconds))
	case "hold":
		count, err := strconv.Atoi(last)
		check(err)
		open := make([]*tls.Conn, count)
		for i := range open {
			conn, reader, err := t.open()
			check(err)
			check(ask(conn, reader, request("/v1/x")))
			open[i] = conn
		}
		fmt.Println("open")
		io.Copy(io.Discard, os.Stdin)
	case "bulk":
		conn, reader, err := t.open()
		check(err)
		began := time.Now()
		check(ask(conn, reader, request("/v1/bulk/"+last)))
		bytes, _ := strconv.ParseFloat(last, 64)
		fmt.Printf("%.1f\n", bytes/1e6/time.Since(began).Seconds())
	}
}

func rate(t target, anew bool, request []byte, seconds float64) float64 {
	var count atomic.Int64
	var stopped atomic.Bool
	var group sync.WaitGroup
	for range connections {
		group.Add(1)
		go func() {
			defer group.Done()
			conn, reader, err := t.open()
			check(err)
			for !stopped.Load() {
				if anew {
					conn.NetConn().Close()
					conn, reader, err = t.open()
					check(err)
				}
				check(ask(conn, reader, request))
				count.Add(1)
			}
		}()
	}
	time.Sleep(time.Duration(seconds / 3 * float64(time.Second)))
	first, began := count.Load(), time.Now()
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	result := float64(count.Load()-first) / time.Since(began).Seconds()
	stopped.Store(true)
	group.Wait()
	return result
}
