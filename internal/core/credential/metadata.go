package credential

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // a name of keys in the metadata (RFC 5280 4.2.1.2), no security rests on it
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/metadata"
	"github.com/go-webauthn/webauthn/metadata/providers/memory"
	"github.com/go-webauthn/webauthn/protocol"
)

// metadataBytes is the most that is read of a metadata file; that of the FIDO
// Alliance has about 10 MB.
const metadataBytes = 64 << 20

// compromised are the statuses (FIDO MDS 3 section 3.1.4) under which a model's
// attestation is worth nothing.
var compromised = []metadata.AuthenticatorStatus{
	metadata.Revoked, metadata.AttestationKeyCompromise, metadata.UserVerificationBypass,
	metadata.UserKeyRemoteCompromise, metadata.UserKeyPhysicalCompromise,
}

// WebAuthn is what the server knows of authenticator models: the parsed metadata
// file, if it was given one. It never changes and is safe for use by many
// goroutines.
type WebAuthn struct {
	models   map[[16]byte]*metadata.Entry
	keys     map[string]*metadata.Entry // by certificate key identifiers, for models without an AAGUID
	provider metadata.Provider
}

// NewWebAuthn reads a metadata file; with nil, no attestation leads to a root.
// The file is a BLOB of the FIDO Metadata Service (a JWT), the payload of one, or
// one or several metadata statements as plain JSON. It is the operator's word, as
// the configuration is: the JWT's signature is not asked, since it could only be
// measured against a certificate that comes with it. Whoever fetches the BLOB
// verifies it. Roots come from the file alone, nothing is ever fetched, and an
// entry that cannot be understood vouches for nobody.
func NewWebAuthn(file io.Reader) (*WebAuthn, error) {
	w := &WebAuthn{models: map[[16]byte]*metadata.Entry{}, keys: map[string]*metadata.Entry{}}
	if file == nil {
		return w, nil
	}
	text, err := io.ReadAll(io.LimitReader(file, metadataBytes+1))
	if err != nil {
		return nil, fmt.Errorf("FIDO metadata: %w", err)
	}
	if len(text) > metadataBytes {
		return nil, errors.New("FIDO metadata: the file is too long")
	}
	entries, err := readMetadata(bytes.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("FIDO metadata: %w", err)
	}
	for i := range entries {
		if err := w.add(&entries[i]); err != nil {
			return nil, fmt.Errorf("FIDO metadata: %w", err)
		}
	}
	if len(w.models)+len(w.keys) == 0 {
		return nil, errors.New("FIDO metadata: the file describes no authenticator")
	}
	read := metadata.Metadata{Parsed: metadata.Parsed{Entries: entries}}
	// The status is left out: it is asked for at the house's time, not the library's.
	w.provider, err = memory.New(memory.WithMetadata(read.ToMap()), memory.WithMetadataKeyIdentifiers(w.keys),
		memory.WithValidateEntryKeyIdentifier(true), memory.WithValidateStatus(false),
		memory.WithValidateAAGUID(true), memory.WithValidateAttestationFormats(true), memory.WithValidateAlgorithms(true))
	return w, err
}

func (w *WebAuthn) add(e *metadata.Entry) error {
	if e.AaGUID != [16]byte{} {
		if w.models[e.AaGUID] != nil {
			return fmt.Errorf("the model %s stands there twice", e.AaGUID)
		}
		w.models[e.AaGUID] = e
	}
	for _, k := range e.AttestationCertificateKeyIdentifiers {
		w.keys[strings.ToLower(k)] = e
	}
	return nil
}

func readMetadata(text []byte) ([]metadata.Entry, error) {
	switch {
	case len(text) == 0:
		return nil, errors.New("the file is empty")
	case text[0] == '[':
		var list []metadata.StatementJSON
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, err
		}
		return statements(list)
	case text[0] != '{':
		payload, err := jwtPayload(text)
		if err != nil {
			return nil, err
		}
		return readMetadata(payload)
	}
	var blob metadata.PayloadJSON
	if err := json.Unmarshal(text, &blob); err != nil {
		return nil, err
	}
	if blob.Entries != nil {
		return blobEntries(blob.Entries), nil
	}
	var one metadata.StatementJSON
	if err := json.Unmarshal(text, &one); err != nil {
		return nil, err
	}
	return statements([]metadata.StatementJSON{one})
}

func jwtPayload(text []byte) ([]byte, error) {
	parts := bytes.Split(text, []byte("."))
	if len(parts) != 3 {
		return nil, errors.New("the file is neither JSON nor a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(string(parts[1]))
	if err != nil || !bytes.HasPrefix(payload, []byte("{")) {
		return nil, errors.New("the JWT has no payload of JSON")
	}
	return payload, nil
}

func blobEntries(list []metadata.EntryJSON) []metadata.Entry {
	out := make([]metadata.Entry, 0, len(list))
	for _, j := range list {
		if e, err := j.Parse(); err == nil {
			out = append(out, e)
		}
	}
	return out
}

// statements takes statements that the operator wrote or picked: there, a mistake
// is told.
func statements(list []metadata.StatementJSON) ([]metadata.Entry, error) {
	out := make([]metadata.Entry, 0, len(list))
	for _, j := range list {
		s, err := j.Parse()
		if err != nil {
			return nil, err
		}
		out = append(out, metadata.Entry{
			AaGUID: s.AaGUID, AttestationCertificateKeyIdentifiers: s.AttestationCertificateKeyIdentifiers, MetadataStatement: s,
		})
	}
	return out, nil
}

// Models is how many authenticator models the metadata file describes.
func (w *WebAuthn) Models() int { return len(w.models) }

// ModelName is ModelName, or what the metadata file calls the model.
func (w *WebAuthn) ModelName(aaguid [16]byte) string {
	if name := ModelName(aaguid); name != "" {
		return name
	}
	if e := w.models[aaguid]; e != nil {
		return e.MetadataStatement.Description
	}
	return ""
}

// vouches tells whether the certificates of a verified attestation statement lead
// to a root that the metadata file gives for the very model, and returns the
// status reports that concern them.
func (w *WebAuthn) vouches(object *protocol.AttestationObject, path []any) ([]metadata.StatusReport, bool) {
	certs, err := certificates(path)
	if w.provider == nil || err != nil {
		return nil, false
	}
	model := [16]byte(object.AuthData.AttData.AAGUID)
	entry := w.entry(model, certs[0])
	if entry == nil || len(entry.MetadataStatement.AttestationRootCertificates) == 0 {
		return nil, false
	}
	// A nil *protocol.Error in an error would not be nil.
	if e := protocol.ValidateMetadataWithAuthenticatorData(context.Background(), w.provider, model, object.Type,
		object.Format, path, &object.AuthData); e != nil {
		return nil, false
	}
	return concerning(entry.StatusReports, certs), true
}

func certificates(path []any) ([]*x509.Certificate, error) {
	out := make([]*x509.Certificate, 0, len(path))
	for _, raw := range path {
		der, ok := raw.([]byte)
		if !ok {
			return nil, errFormat
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		out = append(out, cert)
	}
	return out, nil
}

func (w *WebAuthn) entry(model [16]byte, leaf *x509.Certificate) *metadata.Entry {
	if model != [16]byte{} {
		return w.models[model]
	}
	if e := w.keys[hex.EncodeToString(leaf.SubjectKeyId)]; e != nil && len(leaf.SubjectKeyId) > 0 {
		return e
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(leaf.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil
	}
	sum := sha1.Sum(info.Key.Bytes)
	return w.keys[hex.EncodeToString(sum[:])]
}

// concerning leaves out reports about certificates that are not in the path: a
// batch whose key leaked says nothing about other batches.
func concerning(reports []metadata.StatusReport, path []*x509.Certificate) []metadata.StatusReport {
	var out []metadata.StatusReport
	for _, r := range reports {
		ours := r.Certificate == nil && r.BatchCertificate == nil
		for _, c := range path {
			ours = ours || c.Equal(r.Certificate) || c.Equal(r.BatchCertificate)
		}
		if ours {
			out = append(out, r)
		}
	}
	return out
}

// revoked tells whether one of the reports, in force now, takes the worth of the
// model's attestation away.
func revoked(reports []metadata.StatusReport, now time.Time) bool {
	return metadata.ValidateStatusReportsAt(reports, nil, compromised, now) != nil
}

// modelRevoked is revoked for a whole model, as the file has it today.
func (w *WebAuthn) modelRevoked(aaguid [16]byte, now time.Time) bool {
	e := w.models[aaguid]
	return e != nil && revoked(concerning(e.StatusReports, nil), now)
}
