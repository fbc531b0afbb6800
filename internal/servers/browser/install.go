package browser

import (
	"archive/tar"
	"bytes"
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
	"strings"

	"drawdown/internal/servers"
)

// Chromium is the browser. Its version is the distribution's: pages have to work in whatever customers have.
var Chromium = servers.DebianTool{Executable: "chromium", Package: "chromium", Target: target}

// target is what the installer calls this package.
const target = "browser"

// AxeVersion is the axe-core that the project is tested with: a later one knows further rules.
const AxeVersion = "4.14.1"

// axeSHA512 is of the package's archive, base64, as npm states it.
const axeSHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="

// axeName is the script in the archive, and in the cache folder.
const axeName = "axe.min.js"

// archiveBytesMax bounds what is unpacked.
const archiveBytesMax = 64 << 20

// Install gets what is missing of Chromium and axe-core, and returns the path of Chromium.
func Install(ctx context.Context, progress io.Writer) (chromium string, err error) {
	if chromium, err = Chromium.Install(ctx, progress); err != nil {
		return "", err
	}
	dir, err := axeDir()
	if err != nil {
		return "", err
	}
	if err := servers.InstallOnce(dir, func(tmp string) error { return fetchAxe(ctx, progress, tmp) }); err != nil {
		return "", fmt.Errorf("install axe-core: %w", err)
	}
	servers.Say(progress, "axe-core %s: ready in %s", AxeVersion, dir)
	return chromium, nil
}

// Axe returns axe-core's script, or an error that names the command which installs it.
func Axe() (script string, err error) {
	dir, err := axeDir()
	if err != nil {
		return "", err
	}
	done, err := servers.Installed(dir)
	if err != nil {
		return "", fmt.Errorf("look for axe-core: %w", err)
	}
	if !done {
		return "", &servers.MissingError{What: "axe-core " + AxeVersion, Where: dir, Remedy: servers.InstallCommand(target)}
	}
	content, err := os.ReadFile(filepath.Join(dir, axeName))
	if err != nil {
		return "", fmt.Errorf("read axe-core: %w", err)
	}
	return string(content), nil
}

func axeDir() (string, error) { return servers.CacheDir("axe-core-" + AxeVersion) }

// fetchAxe downloads and verifies the package and keeps its script. npm's own scripts are not run.
func fetchAxe(ctx context.Context, progress io.Writer, dir string) error {
	if _, err := exec.LookPath("npm"); err != nil {
		return &servers.MissingError{What: "npm", Where: "PATH", Remedy: "apt-get install -y npm"}
	}
	name, err := servers.RunCommand(ctx, progress, dir, nil, "npm", "pack", "--silent", "--ignore-scripts", "axe-core@"+AxeVersion)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, strings.TrimSpace(name))
	archive, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the download: %w", err)
	}
	script, err := scriptOf(archive, axeSHA512)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, axeName), script, 0o644); err != nil {
		return fmt.Errorf("keep axe-core: %w", err)
	}
	return os.Remove(path)
}

// scriptOf verifies a package's archive and returns the script in it.
func scriptOf(archive []byte, wanted string) ([]byte, error) {
	sum := sha512.Sum512(archive)
	if found := base64.StdEncoding.EncodeToString(sum[:]); found != wanted {
		return nil, fmt.Errorf("verify the download: its SHA-512 is %s, expected %s", found, wanted)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	members := tar.NewReader(io.LimitReader(unzipped, archiveBytesMax))
	for {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("unpack: there is no %s", axeName)
		}
		if err != nil {
			return nil, fmt.Errorf("unpack: %w", err)
		}
		if header.Name == "package/"+axeName {
			return io.ReadAll(members)
		}
	}
}
