package python

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"drawdown/internal/servers"
)

//go:embed requirements.txt
var requirements []byte

//go:embed schemathesis.txt
var schemathesisRequirements []byte

// Venv is where the installed programs are.
type Venv struct {
	// Python is the interpreter; it can import kafka, a client of the PyPI package kafka-python, and aiosmtpd, of which
	// mail servers are made.
	Python      string
	SourceFaker string // the Airbyte connector source-faker
	// Schemathesis tests an HTTP API by its OpenAPI document. It has an environment of its own.
	Schemathesis string
}

// environment is one virtual environment, and what must run in it.
type environment struct {
	name         string
	requirements []byte
	trials       [][]string // commands; the first word is a program of the environment
}

var (
	workers = environment{"python", requirements, [][]string{
		{"source-faker", "spec"},
		{"python", "-c", "import aiosmtpd.controller, kafka; aiosmtpd.controller.Controller, kafka.KafkaProducer"},
	}}
	apiTester    = environment{"schemathesis", schemathesisRequirements, [][]string{{"schemathesis", "--version"}}}
	environments = []environment{workers, apiTester}
)

// Install makes the environments in the user's cache folder, unless they are there. The first time it downloads about
// 120 MB with pip, which become 450 MB; progress is told what happens.
func Install(ctx context.Context, progress io.Writer) (Venv, error) {
	for _, e := range environments {
		if err := e.install(ctx, progress); err != nil {
			return Venv{}, fmt.Errorf("install the Python programs: %w", err)
		}
	}
	venv, err := Find()
	if err != nil {
		return Venv{}, err
	}
	servers.Say(progress, "Python programs: ready in %s and %s", filepath.Dir(filepath.Dir(venv.Python)), filepath.Dir(filepath.Dir(venv.Schemathesis)))
	return venv, nil
}

func (e *environment) install(ctx context.Context, progress io.Writer) error {
	dir, err := e.cacheDir()
	if err != nil {
		return err
	}
	return servers.InstallOnce(dir, func(tmp string) error {
		servers.Say(progress, "Python programs: downloading the environment %s with pip, once; it is kept in %s", e.name, dir)
		return e.fill(ctx, progress, tmp, dir)
	})
}

// Find looks for the environments; what is missing is an error that names the command which installs it.
func Find() (Venv, error) {
	var dirs [2]string
	for i, e := range environments {
		dir, err := e.cacheDir()
		if err != nil {
			return Venv{}, err
		}
		if err := find(dir); err != nil {
			return Venv{}, err
		}
		dirs[i] = dir
	}
	return Venv{Python: program(dirs[0], "python"), SourceFaker: program(dirs[0], "source-faker"), Schemathesis: program(dirs[1], "schemathesis")}, nil
}

func find(dir string) error {
	remedy := servers.InstallCommand("python")
	done, err := servers.Installed(dir)
	if err != nil {
		return fmt.Errorf("look for the Python programs: %w", err)
	}
	if !done {
		return &servers.MissingError{What: "the Python environment of the tests", Where: dir, Remedy: remedy}
	}
	// The interpreter is a link to the machine's own: an environment outlives a Python that was removed, but is dead.
	interpreter := program(dir, "python")
	if _, err := os.Stat(interpreter); errors.Is(err, fs.ErrNotExist) {
		return &servers.MissingError{What: "the Python that made the tests' environment", Where: interpreter, Remedy: "rm -r " + dir + " && " + remedy}
	} else if err != nil {
		return fmt.Errorf("look for the Python programs: %w", err)
	}
	return nil
}

// program is a program of the environment in dir.
func program(dir, name string) string { return filepath.Join(dir, "bin", name) }

// cacheDir is named after the requirements, so that changed ones are installed afresh.
func (e *environment) cacheDir() (string, error) {
	digest := sha256.Sum256(e.requirements)
	return servers.CacheDir(e.name + "-" + hex.EncodeToString(digest[:6]))
}

// fill makes the environment in tmp, for use under the name dir.
func (e *environment) fill(ctx context.Context, progress io.Writer, tmp, dir string) error {
	interpreter, err := interpreter(ctx)
	if err != nil {
		return err
	}
	if _, err := servers.RunCommand(ctx, progress, "", nil, interpreter, "-m", "venv", tmp); err != nil {
		return err
	}
	wanted := filepath.Join(tmp, "requirements.txt")
	if err := os.WriteFile(wanted, e.requirements, 0o644); err != nil {
		return err
	}
	if _, err := servers.RunCommand(ctx, progress, "", nil, program(tmp, "python"), "-m", "pip", "install", "--quiet", "--no-input",
		"--disable-pip-version-check", "--only-binary", ":all:", "--no-deps", "-r", wanted); err != nil {
		return err
	}
	servers.Say(progress, "  trying them")
	for _, trial := range e.trials {
		if _, err := servers.RunCommand(ctx, progress, "", nil, program(tmp, trial[0]), trial[1:]...); err != nil {
			return err
		}
	}
	return move(tmp, dir)
}

// move makes the programs of an environment in from work after it was renamed to to: pip writes the interpreter's full
// path into their first lines.
func move(from, to string) error {
	programs, err := os.ReadDir(filepath.Join(from, "bin"))
	if err != nil {
		return err
	}
	for _, program := range programs {
		if !program.Type().IsRegular() { // links to the interpreter
			continue
		}
		path := filepath.Join(from, "bin", program.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte(from), []byte(to)), 0o755); err != nil {
			return err
		}
	}
	return nil
}
