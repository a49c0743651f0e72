package web

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
)

const uploadParts = 32

// Upload reads a multipart form with at most one file per field: its texts
// under the rules of Form, and its files as bytes, at most max bytes together.
// It is the only reader of multipart; every other one refuses it. What a client
// says a file is called or contains is not kept: look at the bytes.
func Upload(r *http.Request, max int64) (texts url.Values, files map[string][]byte, err error) {
	if err := media(r, func(t string) bool { return t == "multipart/form-data" }); err != nil {
		return nil, nil, err
	}
	if r.ContentLength > max {
		return nil, nil, ErrTooLarge
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, nil, ErrForm.Because(err)
	}
	texts, files = url.Values{}, map[string][]byte{}
	for range uploadParts {
		part, err := parts.NextPart()
		if err == io.EOF {
			return texts, files, nil
		}
		if err != nil {
			return nil, nil, uploadFault(err)
		}
		if max, err = keepPart(part, max, texts, files); err != nil {
			return nil, nil, err
		}
	}
	return nil, nil, ErrTooLarge
}

// keepPart reads one part and answers how many bytes are left for the others.
func keepPart(part *multipart.Part, left int64, texts url.Values, files map[string][]byte) (int64, error) {
	body, err := io.ReadAll(io.LimitReader(part, left+1))
	if err != nil {
		return 0, uploadFault(err)
	}
	if int64(len(body)) > left {
		return 0, ErrTooLarge
	}
	name := part.FormName()
	if name == "" || checkText(name) != nil {
		return 0, ErrForm
	}
	left -= int64(len(body))
	if part.FileName() == "" {
		texts[name] = append(texts[name], string(body))
		return left, checkText(string(body))
	}
	if _, twice := files[name]; twice {
		return 0, ErrRepeated.At(Clean(name, 64))
	}
	files[name] = body
	return left, nil
}

func uploadFault(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return ErrTooLarge
	}
	return ErrForm.Because(err)
}
