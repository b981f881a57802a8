// Greatest common divisors by Euclid's algorithm, their sum against that by Euler's function.
package main

import (
	"os"
	"strconv"
)

const n = 800

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func totient(k int) int {
	count := 0
	for i := 1; i <= k; i++ {
		if gcd(i, k) == 1 {
			count++
		}
	}
	return count
}

func main() {
	sum, expected := 0, 0
	for a := 1; a <= n; a++ {
		for b := 1; b <= n; b++ {
			sum += gcd(a, b)
		}
		expected += totient(a) * (n / a) * (n / a)
	}
	os.Stdout.WriteString("the gcds of 1 to 800 sum up to " + strconv.Itoa(sum) + "\n")
	if sum != expected {
		os.Exit(1)
	}
}
