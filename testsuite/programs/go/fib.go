// Fibonacci numbers by double recursion.
package main

import (
	"os"
	"strconv"
)

func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

func main() {
	result := fib(30)
	os.Stdout.WriteString("fib(30) = " + strconv.Itoa(result) + "\n")
	if result != 832040 {
		os.Exit(1)
	}
}
