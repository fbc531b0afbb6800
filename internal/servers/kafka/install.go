package kafka

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"drawdown/internal/servers"
)

// Version is the Kafka that the project is tested with.
const Version = "4.1.2"

// project is the Maven project whose dependencies are Kafka and all it needs. slf4j-simple is what makes Kafka's log
// appear on standard error; without it a broker that cannot start says nothing.
const project = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>drawdown</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>` + Version + `</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>` + Version + `</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`

// Install gets Kafka into the user's cache folder, unless it is there, and returns the folder. The first time it
// downloads about 55 MB with Maven; progress is told what happens.
func Install(ctx context.Context, progress io.Writer) (dir string, err error) {
	if dir, err = cacheDir(); err != nil {
		return "", err
	}
	err = servers.InstallOnce(dir, func(tmp string) error {
		servers.Say(progress, "Kafka %s: downloading 55 MB with Maven, once; it is kept in %s", Version, dir)
		return fill(ctx, progress, tmp)
	})
	if err != nil {
		return "", fmt.Errorf("install Kafka: %w", err)
	}
	servers.Say(progress, "Kafka %s: ready in %s", Version, dir)
	return dir, nil
}

func cacheDir() (string, error) { return servers.CacheDir("kafka-" + Version) }

func fill(ctx context.Context, progress io.Writer, dir string) error {
	if _, err := exec.LookPath("mvn"); err != nil {
		return &servers.MissingError{What: "Maven", Where: "PATH", Remedy: "apt-get install -y maven"}
	}
	if err := os.WriteFile(filepath.Join(dir, "pom.xml"), []byte(project), 0o644); err != nil {
		return err
	}
	if _, err := servers.RunCommand(ctx, progress, dir, nil, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"); err != nil {
		return err
	}
	java, err := findJava()
	if err != nil {
		return err
	}
	servers.Say(progress, "  starting it once, to see that it runs and to keep its loaded classes")
	return archiveClasses(ctx, installation{java: java, dir: dir})
}

// archiveFile keeps the broker's loaded classes. With it a broker starts in half the time and half the processor time,
// which counts where many tests start one. A Java other than the one that wrote it ignores it.
const archiveFile = "classes.jsa"

// archiveClasses runs a broker once; Java writes the archive when it ends.
func archiveClasses(ctx context.Context, installed installation) error {
	server, err := start(ctx, installed, Options{}, "-XX:ArchiveClassesAtExit="+installed.archive())
	if err != nil {
		return err
	}
	if err := server.Stop(); err != nil {
		return err
	}
	if _, err := os.Stat(installed.archive()); err != nil {
		return fmt.Errorf("keep the loaded classes: %w", err)
	}
	return nil
}

// installation is what a broker runs with.
type installation struct {
	java string // the executable
	dir  string // holds lib and the archive; brokers run in it, because the archive knows its class path by relative names
}

const classPath = "lib/*"

func (i installation) archive() string { return filepath.Join(i.dir, archiveFile) }

// find looks for Kafka and Java; what is missing is an error that names the command which installs it.
func find() (installation, error) {
	dir, err := cacheDir()
	if err != nil {
		return installation{}, err
	}
	done, err := servers.Installed(dir)
	if err != nil {
		return installation{}, fmt.Errorf("look for Kafka: %w", err)
	}
	if !done {
		return installation{}, &servers.MissingError{What: "Kafka " + Version, Where: dir, Remedy: servers.InstallCommand("kafka")}
	}
	java, err := findJava()
	if err != nil {
		return installation{}, err
	}
	return installation{java: java, dir: dir}, nil
}

func findJava() (path string, err error) {
	path, err = exec.LookPath("java")
	if home := os.Getenv("JAVA_HOME"); home != "" {
		path, err = exec.LookPath(filepath.Join(home, "bin", "java"))
	}
	if err != nil {
		return "", &servers.MissingError{What: "Java 17 or later", Where: "JAVA_HOME and PATH", Remedy: "apt-get install -y default-jre-headless"}
	}
	return path, nil
}
