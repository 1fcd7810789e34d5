// Writes the manifest of Istio's control plane: its own charts, which are compiled in, rendered with the values of a file.
//
// Usage: render VALUES MANIFEST
package main

import (
	"fmt"
	"os"
	"strings"

	"istio.io/istio/manifests"
	"istio.io/istio/operator/pkg/helm"
	"k8s.io/apimachinery/pkg/version"
)

const namespace = "istio-system"

// Kubernetes whose objects the charts may use.
var kubernetes = &version.Info{GitVersion: "v1.28.15", Major: "1", Minor: "28"}

func main() {
	if err := render(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func render(valuesFile, manifestFile string) error {
	values, err := os.ReadFile(valuesFile)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, chart := range []string{"base", "istio-control/istio-discovery"} {
		renderer := helm.NewGenericRenderer(manifests.BuiltinOrDir(""), "charts/"+chart, chart, namespace, kubernetes)
		if err := renderer.Run(); err != nil {
			return err
		}
		manifest, err := renderer.RenderManifest(string(values))
		if err != nil {
			return err
		}
		text.WriteString(manifest)
	}
	return os.WriteFile(manifestFile, []byte(text.String()), 0o644)
}
