// Sums of integers and floats in loops, against their closed forms.
package main

import (
	"os"
	"strconv"
)

const n = 600000

func main() {
	var cubes, mixed uint64
	var halves float64
	for i := uint64(1); i <= n; i++ {
		cubes += i * i * i
		mixed = (mixed ^ i) * 0x9e3779b97f4a7c15
		mixed ^= mixed>>29 | mixed/(i+1)
		halves += float64(i) / 2
	}
	// The sum of the cubes is the square of the sum, modulo 2^64.
	sum := uint64(n) * (n + 1) / 2
	os.Stdout.WriteString("cubes " + strconv.FormatUint(cubes, 10) +
		", halves " + strconv.FormatFloat(halves, 'f', 1, 64) +
		", mixed " + strconv.FormatUint(mixed, 16) + "\n")
	if cubes != sum*sum || halves != float64(sum)/2 {
		os.Exit(1)
	}
}
