package clickhouse

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"drawdown/internal/servers"
)

// Version is the engine that the project is tested with. Its numbers are ClickHouse's own.
const Version = "26.7.3-stable.1"

const libraryName = "libchdb.so"

// download is one npm package that holds the library.
type download struct {
	npmPackage string
	sha512     string // of the package's archive, base64, as npm states it
}

// downloads has the machines that the engine is published for, as GOOS/GOARCH.
var downloads = map[string]download{
	"linux/amd64": {
		npmPackage: "@chdb/lib-linux-x64-gnu",
		sha512:     "XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==",
	},
}

// Install gets the engine into the user's cache folder, unless it is there, and returns the path of its library.
// The first time it downloads 178 MB, which become 566 MB; progress is told what happens.
func Install(ctx context.Context, progress io.Writer) (library string, err error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	wanted, ok := downloads[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		return "", fmt.Errorf("install the ClickHouse engine: it is published for linux/amd64, not for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	err = servers.InstallOnce(dir, func(tmp string) error {
		servers.Say(progress, "ClickHouse engine %s: downloading 178 MB with npm, once; it is kept in %s", Version, dir)
		return fill(ctx, progress, tmp, wanted)
	})
	if err != nil {
		return "", fmt.Errorf("install the ClickHouse engine: %w", err)
	}
	servers.Say(progress, "ClickHouse engine %s: ready in %s", Version, dir)
	return filepath.Join(dir, libraryName), nil
}

// Library is the path of the installed library, or an error that names the command which installs it.
func Library() (string, error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	done, err := servers.Installed(dir)
	if err != nil {
		return "", fmt.Errorf("look for the ClickHouse engine: %w", err)
	}
	if !done {
		return "", &servers.MissingError{What: "the ClickHouse engine " + Version, Where: dir, Remedy: servers.InstallCommand("clickhouse")}
	}
	return filepath.Join(dir, libraryName), nil
}

func cacheDir() (string, error) { return servers.CacheDir("clickhouse-" + Version) }

// fill downloads, verifies and unpacks the package into the folder. npm's own scripts are not run.
func fill(ctx context.Context, progress io.Writer, dir string, wanted download) error {
	if _, err := exec.LookPath("npm"); err != nil {
		return &servers.MissingError{What: "npm", Where: "PATH", Remedy: "apt-get install -y npm"}
	}
	name, err := servers.RunCommand(ctx, progress, dir, nil, "npm", "pack", "--silent", "--ignore-scripts", wanted.npmPackage+"@"+Version)
	if err != nil {
		return err
	}
	archive := filepath.Join(dir, strings.TrimSpace(name))
	if err := verify(archive, wanted.sha512); err != nil {
		return err
	}
	servers.Say(progress, "  verified; unpacking %s, 566 MB", libraryName)
	if err := unpack(archive, "package/"+libraryName, filepath.Join(dir, libraryName)); err != nil {
		return err
	}
	return os.Remove(archive)
}

func verify(archive, want string) error {
	file, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("verify the download: %w", err)
	}
	defer file.Close()
	hash := sha512.New()
	if _, err := io.Copy(hash, file); err != nil {
		return fmt.Errorf("verify the download: %w", err)
	}
	if found := base64.StdEncoding.EncodeToString(hash.Sum(nil)); found != want {
		return fmt.Errorf("verify the download %s: its SHA-512 is %s, expected %s", filepath.Base(archive), found, want)
	}
	return nil
}

// unpack writes one member of a .tgz to a file.
func unpack(archive, member, path string) error {
	file, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", archive, err)
	}
	members := tar.NewReader(unzipped)
	for {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("unpack %s: it holds no %s", archive, member)
		}
		if err != nil {
			return fmt.Errorf("unpack %s: %w", archive, err)
		}
		if header.Name == member {
			return writeFile(path, members)
		}
	}
}

func writeFile(path string, content io.Reader) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	_, err = io.Copy(file, content)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("unpack %s: %w", path, err)
	}
	return nil
}
