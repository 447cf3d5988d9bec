// A peer: the smallest controller-runtime operator that does the same work as one sync step. It adds a finalizer,
// "syncs" (does nothing), writes status (observedGeneration, condition Synced), and on deletion removes the finalizer.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const finalizer = "peer.bench.example.org/sync"

type reconciler struct {
	client.Client
	gvk schema.GroupVersionKind
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(r.gvk)
	if err := r.Get(ctx, request.NamespacedName, o); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !o.GetDeletionTimestamp().IsZero() {
		if controllerutil.RemoveFinalizer(o, finalizer) {
			return ctrl.Result{}, r.Update(ctx, o)
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(o, finalizer) {
		if err := r.Update(ctx, o); err != nil {
			return ctrl.Result{}, err
		}
	}
	observed, _, _ := unstructured.NestedInt64(o.Object, "status", "observedGeneration")
	if observed == o.GetGeneration() {
		return ctrl.Result{}, nil
	}
	before := client.MergeFrom(o.DeepCopy())
	synced := map[string]any{"type": "Synced", "status": "True", "reason": "OK", "message": "",
		"lastTransitionTime": time.Now().UTC().Format(time.RFC3339)}
	if err := unstructured.SetNestedField(o.Object, o.GetGeneration(), "status", "observedGeneration"); err != nil {
		return ctrl.Result{}, err
	}
	if err := unstructured.SetNestedSlice(o.Object, []any{synced}, "status", "conditions"); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.Status().Patch(ctx, o, before)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func run() error {
	kind := flag.String("kind", "", "GROUP/VERSION/KIND")
	namespace := flag.String("namespace", "default", "where the objects are")
	workers := flag.Int("workers", 16, "objects handled at once")
	cached := flag.Bool("cached", false, "read objects from the cache, which is not the default for unstructured ones")
	flag.Parse()
	parts := strings.Split(*kind, "/")
	if len(parts) != 3 {
		return fmt.Errorf("-kind %q is not GROUP/VERSION/KIND", *kind)
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	// No limit of the client's own.
	config.QPS = -1
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Metrics: metrics.Options{BindAddress: "0"},
		Cache:   cache.Options{DefaultNamespaces: map[string]cache.Config{*namespace: {}}},
		Client:  client.Options{Cache: &client.CacheOptions{Unstructured: *cached}},
	})
	if err != nil {
		return err
	}
	r := &reconciler{manager.GetClient(), schema.GroupVersionKind{Group: parts[0], Version: parts[1], Kind: parts[2]}}
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(r.gvk)
	options := controller.Options{MaxConcurrentReconciles: *workers}
	if err := ctrl.NewControllerManagedBy(manager).Named("peer").For(o).WithOptions(options).Complete(r); err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}
