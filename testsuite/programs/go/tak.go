// Takeuchi's function: calls with three arguments.
package main

import (
	"os"
	"strconv"
)

func tak(x, y, z int) int {
	if y >= x {
		return z
	}
	return tak(tak(x-1, y, z), tak(y-1, z, x), tak(z-1, x, y))
}

func main() {
	result := tak(18, 12, 6)
	os.Stdout.WriteString("tak(18, 12, 6) = " + strconv.Itoa(result) + "\n")
	if result != 7 {
		os.Exit(1)
	}
}
