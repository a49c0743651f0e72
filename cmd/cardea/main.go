package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/cardea-id/cardea/internal/server"
)

// commands is the command line.
type commands struct {
	Config string `help:"Configuration file (YAML)." env:"CARDEA_CONFIG" type:"path" placeholder:"FILE"`
	Data   string `help:"Data directory: ./data in production, ./.dev for cardea dev." type:"path" placeholder:"DIR"`

	Dev         devCommand          `cmd:"" help:"Run everything for development: a demo tenant, a demo shop, an inbox."`
	Serve       serveCommand        `cmd:"" help:"Run a production server."`
	Plan        planCommand         `cmd:"" help:"Tell what applying a cardea.yaml would change, and whom it touches."`
	Diff        diffCommand         `cmd:"" help:"Tell value by value where the house differs from a cardea.yaml."`
	Apply       applyCommand        `cmd:"" help:"Make the house as a cardea.yaml says."`
	Export      exportCommand       `cmd:"" help:"Write what is configured as a cardea.yaml."`
	Tenant      tenantCommands      `cmd:"" help:"Tenants."`
	App         appCommands         `cmd:"" help:"Applications."`
	Customer    customerCommands    `cmd:"" help:"Customers; every look and every act is on record with its reason."`
	Case        caseCommands        `cmd:"" help:"Requests of customers about their data: access, correction, restriction, complaint."`
	Risk        riskCommands        `cmd:"" help:"What was thought of sign-ins, and what another policy would think."`
	Policy      policyCommands      `cmd:"" help:"The policy of assurance."`
	Keys        keysCommands        `cmd:"" help:"Signing and wrapping keys."`
	Retention   retentionCommands   `cmd:"" help:"How long things are kept."`
	Catalog     catalogCommands     `cmd:"" help:"The catalogue of what is known of customers."`
	Mail        mailCommands        `cmd:"" help:"Mail."`
	Audit       auditCommands       `cmd:"" help:"The journal."`
	Receipt     receiptCommands     `cmd:"" help:"Consent receipts."`
	Suppression suppressionCommands `cmd:"" help:"Addresses that are not written to any more."`
	Privacy     privacyCommands     `cmd:"" help:"Evidence for the data protection officer."`
	Webhook     webhookCommands     `cmd:"" help:"What applications are told of their customers, and what they acknowledged."`
	Job         jobCommands         `cmd:"" help:"Work behind the scenes that was given up."`
	Backup      backupCommand       `cmd:"" help:"Write a verified backup while the server runs (SQLite)."`
	Restore     restoreCommand      `cmd:"" help:"Restore a backup, or take a database that other tools put back."`
	Migrate     migrateCommand      `cmd:"" help:"Make the database or bring its schema up to date. serve does it by itself."`
	Bootstrap   bootstrapCommand    `cmd:"" help:"Print a new link for the first operator."`
	Breach      breachCommands      `cmd:"" help:"The list of leaked passwords."`
	Doctor      doctorCommand       `cmd:"" help:"Look for what is wrong and tell what to do."`
	Version     versionCommand      `cmd:"" help:"Tell which program this is."`
}

// terminal is what a command works with.
type terminal struct {
	ctx     context.Context
	in      io.Reader
	out     io.Writer
	err     io.Writer
	environ []string
	global  *commands
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	t := &terminal{ctx: ctx, in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}
	os.Exit(t.run(os.Args[1:]))
}

// ended carries an exit that the parser asks for, after --help.
type ended int

// run does one command line and returns its exit code.
func (t *terminal) run(args []string) (code int) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case ended:
			code = int(v)
		default:
			panic(v)
		}
	}()
	t.global = &commands{}
	k, err := kong.New(t.global, kong.Name("cardea"), kong.Writers(t.out, t.err),
		kong.Description("Customer identity and access management in one program.\n\nStart with 'cardea dev'."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.Exit(func(code int) { panic(ended(code)) }))
	if err != nil {
		panic(err) // the grammar above is wrong
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	line, err := k.Parse(args)
	if err != nil {
		return t.told(misread(err))
	}
	return t.told(line.Run(t))
}

func misread(err error) error {
	do := "See 'cardea --help'."
	var p *kong.ParseError
	if errors.As(err, &p) && p.Context != nil {
		if name := p.Context.Command(); name != "" {
			do = "See 'cardea " + strings.Fields(name)[0] + " --help'."
		}
	}
	return &server.Advice{Text: "The command line was not understood: " + err.Error() + ".", Do: do, Exit: server.ExitUsage}
}

// told prints an error with what to do and returns the exit code.
func (t *terminal) told(err error) int {
	if err == nil {
		return 0
	}
	if errors.Is(err, errFound) {
		return server.ExitFailed
	}
	a := server.Advise(err)
	fmt.Fprintf(t.err, "cardea: %s\n", a.Text)
	if a.Err != nil && !strings.Contains(a.Text, a.Err.Error()) {
		fmt.Fprintf(t.err, "  because: %s\n", a.Err)
	}
	fmt.Fprintf(t.err, "  %s\n", a.Do)
	return max(a.Exit, server.ExitFailed)
}

// errFound ends a check that found something and has told so.
var errFound = errors.New("found")

// open opens the house for a command.
func (t *terminal) open(how server.Opening) (*server.Base, error) {
	c, err := server.ReadCommandConfig(t.global.Config, t.global.Data, t.environ)
	if err != nil {
		return nil, err
	}
	how.Log = server.NewLog(t.err, "error")
	t.ctx = server.AtTheMachine(t.ctx)
	return server.Open(t.ctx, c, how)
}

// with opens the house, does the work and closes it.
func (t *terminal) with(work func(b *server.Base) error) error {
	b, err := t.open(server.Opening{})
	if err != nil {
		return err
	}
	return errors.Join(work(b), b.Close())
}
