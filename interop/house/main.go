// Command house runs a program beside a real `cardea dev`:
//
//	go run ./house node --test
//
// The program finds what the server printed in CARDEA_DEV. When it has ended
// the server is ended by SIGTERM, which must lead to exit code 0.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/cardea-id/cardea/interop/dev"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: house PROGRAM [ARGUMENT]...")
		os.Exit(2)
	}
	os.Exit(run(os.Args[1], os.Args[2:]))
}

// run returns the program's exit code, or 1 if the server is at fault.
func run(name string, args []string) int {
	h, err := dev.Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// An interrupt goes to the program as well; the house is tidied up after it.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM)
	program := exec.Command(name, args...)
	program.Stdin, program.Stdout, program.Stderr = os.Stdin, os.Stdout, os.Stderr
	program.Env = h.Environ()
	code := codeOf(program.Run())
	if err := h.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

func codeOf(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}
