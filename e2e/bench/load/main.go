// The load: does what an operator does to N objects of one kind, and tells how long it takes until each is synced.
//
// Commands come on standard input, one a line; each is answered by one line of JSON on standard output:
//
//	create N     makes N objects
//	update N     changes a field of each
//	change K     changes one object after another, each when the one before is synced: the latency of an idle system
//	chain N      makes N objects that link to the one before, the first one last: all wait for it
//	statuses N   writes the status of N objects, one after another
//	delete N     deletes them, and waits until all are gone
//
// An object is synced when its condition Synced is True and status.observedGeneration is metadata.generation. With -raw
// there is no controller: the load does its writes itself, which is the limit that the API server sets to this work.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run() error {
	var o options
	kubeconfig := flag.String("kubeconfig", "", "the API server and who calls")
	resource := flag.String("resource", "", "GROUP/VERSION/PLURAL")
	flag.StringVar(&o.kind, "kind", "", "the resource's kind")
	flag.StringVar(&o.namespace, "namespace", "default", "where the objects are")
	flag.IntVar(&o.parallel, "parallel", 16, "writes at once")
	flag.BoolVar(&o.raw, "raw", false, "do the controller's writes too")
	flag.BoolVar(&o.finalizers, "finalizers", true, "with -raw: also add a finalizer by a write of its own")
	flag.BoolVar(&o.born, "born", false, "with -raw: create the objects with a finalizer")
	timeout := flag.Duration("timeout", 15*time.Minute, "for each command")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	// No limit of the client's own.
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	parts := strings.Split(*resource, "/")
	if len(parts) != 3 {
		return fmt.Errorf("-resource %q is not GROUP/VERSION/PLURAL", *resource)
	}
	o.apiVersion = parts[0] + "/" + parts[1]
	gvr := schema.GroupVersionResource{Group: parts[0], Version: parts[1], Resource: parts[2]}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	seen, err := watchAll(ctx, client, gvr, o.namespace)
	if err != nil {
		return err
	}
	l := &load{options: o, api: client.Resource(gvr).Namespace(o.namespace), seen: seen}
	return serve(ctx, l, *timeout)
}

// The answer to a command.
type answer struct {
	Command string  `json:"command"`
	Objects int     `json:"objects"`
	Seconds float64 `json:"seconds"`
	Millis  *spread `json:"millis,omitempty"`
	Error   string  `json:"error,omitempty"`
}

func serve(ctx context.Context, l *load, timeout time.Duration) error {
	out := json.NewEncoder(os.Stdout)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		name, number, _ := strings.Cut(strings.TrimSpace(in.Text()), " ")
		a := answer{Command: name}
		n, err := strconv.Atoi(number)
		if err == nil {
			a.Objects = n
			limited, cancel := context.WithTimeout(ctx, timeout)
			start := time.Now()
			a.Millis, err = l.do(limited, name, n)
			a.Seconds = time.Since(start).Seconds()
			cancel()
		}
		if err != nil {
			a.Error = err.Error()
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return in.Err()
}
