package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long a tab waits for one thing before the test fails.
const patience = 20 * time.Second

// tick is how often a tab looks whether what it waits for is there.
const tick = 50 * time.Millisecond

var errNoBrowser = errors.New("no Chromium was found: install it (apt-get install --no-install-recommends chromium) or name it in CHROMIUM")

// engine is the one browser of the run.
type engine struct {
	once  sync.Once
	ctx   context.Context
	err   error
	close []context.CancelFunc
}

var chromium engine

// binary finds the browser's program.
func binary() (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoBrowser
}

// start opens the browser at its first use.
func (e *engine) start() (context.Context, error) {
	e.once.Do(func() {
		path, err := binary()
		if err != nil {
			e.err = err
			return
		}
		ctx, stop := chromedp.NewExecAllocator(context.Background(), flags(path)...)
		e.ctx, e.close = ctx, append(e.close, stop)
		ctx, stop = chromedp.NewContext(ctx)
		e.ctx, e.close = ctx, append(e.close, stop)
		e.err = chromedp.Do(ctx)
	})
	return e.ctx, e.err
}

// flags keep the browser from everything that is not the test: it asks nobody
// on the network, and looks the same on every machine.
func flags(path string) []chromedp.ExecAllocatorOption {
	list := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("headless", "new"), chromedp.Flag("lang", "en-US"), chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("disable-features", "Translate,MediaRouter,OptimizationHints"), chromedp.WindowSize(1280, 900),
	}
	for _, name := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-extensions",
		"disable-default-apps", "disable-dev-shm-usage", "disable-breakpad", "disable-domain-reliability",
		"disable-client-side-phishing-detection", "disable-background-timer-throttling", "disable-renderer-backgrounding",
		"disable-backgrounding-occluded-windows", "metrics-recording-only", "mute-audio", "use-mock-keychain",
	} {
		list = append(list, chromedp.Flag(name, true))
	}
	return list
}

// stop closes the browser.
func (e *engine) stop() {
	for i := len(e.close) - 1; i >= 0; i-- {
		e.close[i]()
	}
}

// browser is the running browser. Without one the test is skipped, and fails
// where the run must be complete.
func browser(tb testing.TB) context.Context {
	tb.Helper()
	ctx, err := chromium.start()
	switch {
	case err == nil:
	case errors.Is(err, errNoBrowser) && os.Getenv("CI") != "true":
		tb.Skip("NOT RUN: " + err.Error())
	default:
		tb.Fatal(err)
	}
	return ctx
}
