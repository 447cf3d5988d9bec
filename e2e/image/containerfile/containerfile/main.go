// Command containerfile reads a Containerfile as BuildKit does, and prints its last stage as JSON.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// stage is what the image of a last stage will be.
type stage struct {
	Base       string            `json:"base"`
	User       string            `json:"user"`
	Entrypoint []string          `json:"entrypoint"`
	Labels     map[string]string `json:"labels"`
	Copies     map[string]string `json:"copies"`
	Runs       int               `json:"runs"`
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: containerfile FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "containerfile:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	tree, err := parser.Parse(file)
	if err != nil {
		return err
	}
	stages, _, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(last(stages[len(stages)-1]))
}

func last(of instructions.Stage) stage {
	seen := stage{Base: of.BaseName, Labels: map[string]string{}, Copies: map[string]string{}}
	for _, command := range of.Commands {
		switch command := command.(type) {
		case *instructions.UserCommand:
			seen.User = command.User
		case *instructions.EntrypointCommand:
			seen.Entrypoint = command.CmdLine
		case *instructions.LabelCommand:
			for _, label := range command.Labels {
				seen.Labels[label.Key] = strings.Trim(label.Value, `"`)
			}
		case *instructions.CopyCommand:
			for _, source := range command.SourcePaths {
				seen.Copies[source] = command.DestPath
			}
		case *instructions.RunCommand:
			seen.Runs++
		}
	}
	return seen
}
