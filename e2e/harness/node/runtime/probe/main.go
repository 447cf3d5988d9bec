// Command probe is what the tests run in pods: it serves, and asks others that serve.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const usage = `usage: probe serve ADDRESS TEXT   answer every request with TEXT, until SIGTERM
       probe get URL              print the status and the body of the answer
       probe resolve NAME         print the addresses of NAME
       probe dial ADDRESS         connect, and close
       probe write FILE           try to write to FILE
       probe id                   print user and group
       probe wait                 wait for SIGTERM`

// patience is how long an answer may take.
const patience = 10 * time.Second

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 3 && arguments[0] == "serve":
		return serve(arguments[1], arguments[2])
	case len(arguments) == 2 && arguments[0] == "get":
		return get(arguments[1])
	case len(arguments) == 2 && arguments[0] == "resolve":
		return resolve(arguments[1])
	case len(arguments) == 2 && arguments[0] == "dial":
		connection, err := net.DialTimeout("tcp", arguments[1], patience)
		if err != nil {
			return err
		}
		fmt.Println("connected")
		return connection.Close()
	case len(arguments) == 2 && arguments[0] == "write":
		return os.WriteFile(arguments[1], []byte("probe"), 0o644)
	case len(arguments) == 1 && arguments[0] == "id":
		fmt.Printf("%d:%d\n", os.Getuid(), os.Getgid())
		return nil
	case len(arguments) == 1 && arguments[0] == "wait":
		<-stopped()
		return nil
	}
	return fmt.Errorf("unknown arguments %q\n%s", arguments, usage)
}

func stopped() <-chan os.Signal {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGINT, syscall.SIGTERM)
	return end
}

func serve(address, text string) error {
	handler := http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) { fmt.Fprintln(answer, text) })
	failed := make(chan error, 1)
	go func() { failed <- http.ListenAndServe(address, handler) }()
	fmt.Println("serving on", address)
	select {
	case err := <-failed:
		return err
	case <-stopped():
		return nil
	}
}

// get does not check certificates: what it asks is whether there is an answer.
func get(url string) error {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	client := http.Client{Timeout: patience, Transport: transport}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	fmt.Println(answer.StatusCode, strings.TrimSpace(string(body)))
	return nil
}

func resolve(name string) error {
	addresses, err := net.LookupHost(name)
	if err != nil {
		return err
	}
	fmt.Println(strings.Join(addresses, " "))
	return nil
}
