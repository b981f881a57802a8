// Fibonacci numbers by a loop, modulo 2^64, against those by doubling.
package main

import (
	"os"
	"strconv"
)

func byLoop(n uint64) uint64 {
	var a, b uint64 = 0, 1
	for ; n > 0; n-- {
		a, b = b, a+b
	}
	return a
}

// The numbers n and n+1: F(2k) = F(k) (2 F(k+1) - F(k)), F(2k+1) = F(k)^2 + F(k+1)^2.
func byDoubling(n uint64) (uint64, uint64) {
	if n == 0 {
		return 0, 1
	}
	a, b := byDoubling(n / 2)
	c, d := a*(2*b-a), a*a+b*b
	if n%2 == 0 {
		return c, d
	}
	return d, c + d
}

func main() {
	const n = 2000000
	result := byLoop(n)
	expected, _ := byDoubling(n)
	os.Stdout.WriteString("fib(2000000) = " + strconv.FormatUint(result, 10) + " modulo 2^64\n")
	if result != expected || byLoop(90) != 2880067194370816120 {
		os.Exit(1)
	}
}
