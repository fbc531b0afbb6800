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

// Venv is where the installed programs are.
type Venv struct {
	// Python is the interpreter; it can import kafka, a client of the PyPI package kafka-python, and aiosmtpd, of which
	// mail servers are made.
	Python      string
	SourceFaker string // the Airbyte connector source-faker
}

// Install makes the environment in the user's cache folder, unless it is there. The first time it downloads about
// 100 MB with pip, which become 400 MB; progress is told what happens.
func Install(ctx context.Context, progress io.Writer) (Venv, error) {
	dir, err := cacheDir()
	if err != nil {
		return Venv{}, err
	}
	err = servers.InstallOnce(dir, func(tmp string) error {
		servers.Say(progress, "Python programs: downloading 100 MB with pip, once; they are kept in %s", dir)
		return fill(ctx, progress, tmp, dir)
	})
	if err != nil {
		return Venv{}, fmt.Errorf("install the Python programs: %w", err)
	}
	venv, err := Find()
	if err != nil {
		return Venv{}, err
	}
	servers.Say(progress, "Python programs: ready in %s", dir)
	return venv, nil
}

// Find looks for the environment; what is missing is an error that names the command which installs it.
func Find() (Venv, error) {
	dir, err := cacheDir()
	if err != nil {
		return Venv{}, err
	}
	return find(dir)
}

func find(dir string) (Venv, error) {
	remedy := servers.InstallCommand("python")
	done, err := servers.Installed(dir)
	if err != nil {
		return Venv{}, fmt.Errorf("look for the Python programs: %w", err)
	}
	if !done {
		return Venv{}, &servers.MissingError{What: "the Python environment of the tests", Where: dir, Remedy: remedy}
	}
	venv := at(dir)
	// The interpreter is a link to the machine's own: an environment outlives a Python that was removed, but is dead.
	if _, err := os.Stat(venv.Python); errors.Is(err, fs.ErrNotExist) {
		return Venv{}, &servers.MissingError{What: "the Python that made the tests' environment", Where: venv.Python, Remedy: "rm -r " + dir + " && " + remedy}
	} else if err != nil {
		return Venv{}, fmt.Errorf("look for the Python programs: %w", err)
	}
	return venv, nil
}

func at(dir string) Venv {
	return Venv{Python: filepath.Join(dir, "bin", "python"), SourceFaker: filepath.Join(dir, "bin", "source-faker")}
}

// cacheDir is named after the requirements, so that changed ones are installed afresh.
func cacheDir() (string, error) {
	digest := sha256.Sum256(requirements)
	return servers.CacheDir("python-" + hex.EncodeToString(digest[:6]))
}

// fill makes the environment in tmp, for use under the name dir.
func fill(ctx context.Context, progress io.Writer, tmp, dir string) error {
	interpreter, err := interpreter(ctx)
	if err != nil {
		return err
	}
	if _, err := servers.RunCommand(ctx, progress, "", nil, interpreter, "-m", "venv", tmp); err != nil {
		return err
	}
	wanted := filepath.Join(tmp, "requirements.txt")
	if err := os.WriteFile(wanted, requirements, 0o644); err != nil {
		return err
	}
	venv := at(tmp)
	if _, err := servers.RunCommand(ctx, progress, "", nil, venv.Python, "-m", "pip", "install", "--quiet", "--no-input",
		"--disable-pip-version-check", "--only-binary", ":all:", "--no-deps", "-r", wanted); err != nil {
		return err
	}
	servers.Say(progress, "  trying them")
	if _, err := servers.RunCommand(ctx, progress, "", nil, venv.SourceFaker, "spec"); err != nil {
		return err
	}
	if _, err := servers.RunCommand(ctx, progress, "", nil, venv.Python, "-c",
		"import aiosmtpd.controller, kafka; aiosmtpd.controller.Controller, kafka.KafkaProducer"); err != nil {
		return err
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
