// yamljson reads YAML documents as kubectl does: with sigs.k8s.io/yaml. Each document on standard input
// ends with a NUL; for each a line is written, its JSON, or `!` and why it cannot be read.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

func main() {
	input, err := io.ReadAll(bufio.NewReader(os.Stdin))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	documents := bytes.Split(input, []byte{0})
	for _, document := range documents[:len(documents)-1] {
		json, err := yaml.YAMLToJSON(document)
		if err != nil {
			fmt.Fprintln(output, "!"+strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		output.Write(json)
		output.WriteByte('\n')
	}
}
