//go:build tools

// Names the programs that are built beside render.go, so that `go mod tidy` keeps go.sum to what they need.
package main

import (
	_ "istio.io/istio/pilot/cmd/pilot-agent"
	_ "istio.io/istio/pilot/cmd/pilot-discovery"
)
