package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
)

type options struct {
	apiVersion, kind, namespace string
	parallel                    int
	raw, finalizers, born       bool
}

type load struct {
	options
	api  dynamic.ResourceInterface
	seen *seen
	// How often a field was changed: each change sets a value that was not there before.
	changes atomic.Int64
}

func (l *load) do(ctx context.Context, command string, n int) (*spread, error) {
	switch command {
	case "create":
		return nil, l.create(ctx, n)
	case "update":
		return nil, l.update(ctx, n)
	case "change":
		return l.changeOneByOne(ctx, n)
	case "chain":
		return l.chain(ctx, n)
	case "statuses":
		return l.statuses(ctx, n)
	case "delete":
		return nil, l.delete(ctx, n)
	}
	return nil, fmt.Errorf("there is no command %q", command)
}

func name(i int) string { return fmt.Sprintf("o%06d", i) }

func (l *load) create(ctx context.Context, n int) error {
	err := l.each(ctx, n, func(i int) error {
		if err := l.make(ctx, i, map[string]any{"firstName": "John", "lastName": fmt.Sprintf("Doe%d", i)}); err != nil {
			return err
		}
		if !l.raw {
			return nil
		}
		if l.finalizers {
			if err := l.setFinalizers(ctx, i, []any{finalizer}); err != nil {
				return err
			}
		}
		return l.setStatus(ctx, i, 1)
	})
	if err != nil {
		return err
	}
	return l.each(ctx, n, func(i int) error { return l.seen.synced(ctx, name(i), 1) })
}

func (l *load) update(ctx context.Context, n int) error {
	generations := make([]int64, n)
	err := l.each(ctx, n, func(i int) (err error) {
		generations[i], err = l.change(ctx, i)
		return err
	})
	if err != nil {
		return err
	}
	return l.each(ctx, n, func(i int) error { return l.seen.synced(ctx, name(i), generations[i]) })
}

func (l *load) changeOneByOne(ctx context.Context, n int) (*spread, error) {
	times := make([]time.Duration, n)
	there := l.seen.count()
	if there == 0 {
		return nil, fmt.Errorf("there are no objects to change")
	}
	for k := range times {
		i, start := k%there, time.Now()
		generation, err := l.change(ctx, i)
		if err != nil {
			return nil, err
		}
		if err := l.seen.synced(ctx, name(i), generation); err != nil {
			return nil, err
		}
		times[k] = time.Since(start)
	}
	return spreadOf(times), nil
}

// Gives the times between each object's end and that of the one before.
func (l *load) chain(ctx context.Context, n int) (*spread, error) {
	link := func(i int) map[string]any {
		if i == 0 {
			return map[string]any{}
		}
		return map[string]any{"before": map[string]any{"name": name(i - 1)}}
	}
	if err := l.each(ctx, n-1, func(i int) error { return l.make(ctx, i+1, link(i+1)) }); err != nil {
		return nil, err
	}
	last := time.Now()
	if err := l.make(ctx, 0, link(0)); err != nil {
		return nil, err
	}
	times := make([]time.Duration, n)
	for i := range times {
		if err := l.seen.synced(ctx, name(i), 1); err != nil {
			return nil, err
		}
		times[i], last = time.Since(last), time.Now()
	}
	return spreadOf(times), nil
}

func (l *load) statuses(ctx context.Context, n int) (*spread, error) {
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		if err := l.setStatus(ctx, i, 1); err != nil {
			return nil, err
		}
		times[i] = time.Since(start)
	}
	return spreadOf(times), nil
}

func (l *load) delete(ctx context.Context, n int) error {
	err := l.each(ctx, n, func(i int) error {
		// A link may have gone with the one before it.
		if err := l.api.Delete(ctx, name(i), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		if l.raw && (l.finalizers || l.born) {
			return l.setFinalizers(ctx, i, []any{})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return l.each(ctx, n, func(i int) error { return l.seen.gone(ctx, name(i)) })
}

// Does something for 0 to n-1, several at once; stops at the first error.
func (l *load) each(ctx context.Context, n int, do func(i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	var next atomic.Int64
	for range l.parallel {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(i); err != nil {
					cancel(err)
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}
