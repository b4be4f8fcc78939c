// Alloy-syntax reads a file of Alloy's language from its standard input, and says what is
// wrong with its form. It knows the language alone, none of Alloy's components.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/grafana/alloy/syntax/parser"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err == nil {
		_, err = parser.ParseFile("stdin", text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
