package main

import (
	"slices"
	"time"
)

// How times are spread, in milliseconds.
type spread struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

func spreadOf(times []time.Duration) *spread {
	if len(times) == 0 {
		return &spread{}
	}
	slices.Sort(times)
	var sum time.Duration
	for _, t := range times {
		sum += t
	}
	at := func(share float64) float64 {
		return times[int(share*float64(len(times)-1)+0.5)].Seconds() * 1000
	}
	return &spread{Mean: sum.Seconds() * 1000 / float64(len(times)), P50: at(0.5), P99: at(0.99), Max: at(1)}
}
