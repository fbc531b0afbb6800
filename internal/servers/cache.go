package servers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// MissingError says that a server is not installed and what installs it.
type MissingError struct {
	What   string // the server or tool
	Where  string // where it was looked for
	Remedy string // the command to run
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s is not installed (looked in %s); install it with: %s", e.What, e.Where, e.Remedy)
}

// InstallCommand is the command, run in the project's folder, that installs what is named.
func InstallCommand(what string) string {
	return "go run ./internal/servers/cmd/servers install " + what
}

// CacheDir is the folder that an installed server is kept in, whether it is there or not.
func CacheDir(name string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder: %w", err)
	}
	return filepath.Join(cache, "drawdown", name), nil
}

// Installed tells whether the folder of an installation is there. Because installations appear under their final name
// only when complete, its presence is enough.
func Installed(dir string) (bool, error) {
	_, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// InstallOnce makes the folder dir by calling fill on an empty one beside it, which is renamed when fill has succeeded.
// If dir is there already, it does nothing. Several processes may call it at once (go test runs packages in parallel):
// one fills, the others wait for it and find the result.
func InstallOnce(dir string, fill func(tmp string) error) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	unlock, err := lockFile(dir + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	done, err := Installed(dir)
	if err != nil || done {
		return err
	}
	tmp := dir + ".partial" // only the holder of the lock uses it: what is there was left by one that died
	if err := os.RemoveAll(tmp); err != nil {
		return fmt.Errorf("remove an unfinished installation: %w", err)
	}
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return fmt.Errorf("make the installation's folder: %w", err)
	}
	if err := fill(tmp); err != nil {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("put the finished installation in its place: %w", err)
	}
	return nil
}

// lockFile waits until this process holds the lock. The kernel lets go of it when the process ends, so no lock is ever stale.
func lockFile(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the installer's lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("take the installer's lock %s: %w", path, err), file.Close())
	}
	return func() { _ = file.Close() }, nil // closing releases it
}
