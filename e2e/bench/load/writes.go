package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

const finalizer = "raw.bench.example.org/sync"

func (l *load) make(ctx context.Context, i int, spec map[string]any) error {
	metadata := map[string]any{"name": name(i)}
	if l.raw && l.born {
		metadata["finalizers"] = []any{finalizer}
	}
	o := map[string]any{"apiVersion": l.apiVersion, "kind": l.kind, "metadata": metadata, "spec": spec}
	_, err := l.api.Create(ctx, &unstructured.Unstructured{Object: o}, metav1.CreateOptions{})
	return err
}

// Changes a field of spec; gives the generation that this makes.
func (l *load) change(ctx context.Context, i int) (int64, error) {
	value := fmt.Sprintf("Jane%d", l.changes.Add(1))
	changed, err := l.patch(ctx, i, map[string]any{"spec": map[string]any{"firstName": value}})
	if err != nil {
		return 0, err
	}
	generation := changed.GetGeneration()
	if l.raw {
		err = l.setStatus(ctx, i, generation)
	}
	return generation, err
}

func (l *load) setFinalizers(ctx context.Context, i int, finalizers []any) error {
	_, err := l.patch(ctx, i, map[string]any{"metadata": map[string]any{"finalizers": finalizers}})
	return err
}

// The status that the peers write too.
func (l *load) setStatus(ctx context.Context, i int, generation int64) error {
	synced := map[string]any{"type": "Synced", "status": "True", "reason": "OK", "message": "",
		"lastTransitionTime": time.Now().UTC().Format(time.RFC3339)}
	status := map[string]any{"observedGeneration": generation, "conditions": []any{synced}}
	_, err := l.patch(ctx, i, map[string]any{"status": status}, "status")
	return err
}

func (l *load) patch(ctx context.Context, i int, patch any, part ...string) (*unstructured.Unstructured, error) {
	text, err := json.Marshal(patch)
	if err != nil {
		return nil, err
	}
	return l.api.Patch(ctx, name(i), types.MergePatchType, text, metav1.PatchOptions{}, part...)
}
