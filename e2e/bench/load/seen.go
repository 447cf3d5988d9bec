package main

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// What the watch has shown: for each object the generation that is synced, and who waits for a later one.
type seen struct {
	mu      sync.Mutex
	objects map[string]int64
	waiting map[string]chan struct{}
}

// Watches by an informer: it survives the end of a watch.
func watchAll(ctx context.Context, client dynamic.Interface, gvr schema.GroupVersionResource, namespace string) (*seen, error) {
	s := &seen{objects: map[string]int64{}, waiting: map[string]chan struct{}{}}
	informer := dynamicinformer.NewFilteredDynamicInformer(client, gvr, namespace, 0, nil, nil).Informer()
	if err := informer.SetTransform(slim); err != nil {
		return nil, err
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    s.note,
		UpdateFunc: func(_, o any) { s.note(o) },
		DeleteFunc: s.forget,
	})
	if err != nil {
		return nil, err
	}
	go informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return nil, fmt.Errorf("the watch did not start")
	}
	return s, nil
}

// Only what is looked at stays in memory.
func slim(o any) (any, error) {
	if u, ok := o.(*unstructured.Unstructured); ok {
		u.SetManagedFields(nil)
		delete(u.Object, "spec")
	}
	return o, nil
}

func (s *seen) note(o any) {
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[u.GetName()] = syncedGeneration(u)
	s.wake(u.GetName())
}

func (s *seen) forget(o any) {
	key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(o)
	if err != nil {
		return
	}
	_, name, _ := cache.SplitMetaNamespaceKey(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, name)
	s.wake(name)
}

func (s *seen) wake(name string) {
	if c, ok := s.waiting[name]; ok {
		delete(s.waiting, name)
		close(c)
	}
}

func syncedGeneration(u *unstructured.Unstructured) int64 {
	observed, ok, _ := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	if !ok || observed != u.GetGeneration() {
		return 0
	}
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok && m["type"] == "Synced" && m["status"] == "True" {
			return observed
		}
	}
	return 0
}

func (s *seen) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.objects)
}

// Waits until the object is synced at a generation, or a later one.
func (s *seen) synced(ctx context.Context, name string, generation int64) error {
	return s.until(ctx, name, func() bool { return s.objects[name] >= generation })
}

func (s *seen) gone(ctx context.Context, name string) error {
	return s.until(ctx, name, func() bool { _, there := s.objects[name]; return !there })
}

// One waits for an object at a time.
func (s *seen) until(ctx context.Context, name string, holds func() bool) error {
	for {
		s.mu.Lock()
		if holds() {
			s.mu.Unlock()
			return nil
		}
		c := make(chan struct{})
		s.waiting[name] = c
		s.mu.Unlock()
		select {
		case <-c:
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for %s", name)
		}
	}
}
