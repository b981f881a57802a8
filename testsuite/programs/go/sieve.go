// The sieve of Eratosthenes over a slice, odd numbers only.
package main

import (
	"os"
	"strconv"
)

func primesBelow(limit int) int {
	composite := make([]bool, limit/2)
	primes := 0
	if limit > 2 {
		primes = 1
	}
	for i := 3; i < limit; i += 2 {
		if composite[i/2] {
			continue
		}
		primes++
		for j := i * i; j < limit; j += 2 * i {
			composite[j/2] = true
		}
	}
	return primes
}

func main() {
	result := primesBelow(1000000)
	os.Stdout.WriteString(strconv.Itoa(result) + " primes below 1000000\n")
	if result != 78498 || primesBelow(1000) != 168 {
		os.Exit(1)
	}
}
