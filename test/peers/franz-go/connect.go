package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// security says how to connect. franz-go is configured by code; the names are those of rpk's
// -X options, and "token" for OAUTHBEARER.
type security map[string]string

func (s security) options() []kgo.Opt {
	options := []kgo.Opt{}
	if s["tls.ca"] != "" {
		options = append(options, kgo.DialTLSConfig(s.tls()))
	}
	if s["sasl.mechanism"] != "" {
		options = append(options, kgo.SASL(s.sasl()))
	}
	return options
}

func (s security) tls() *tls.Config {
	authorities, err := os.ReadFile(s["tls.ca"])
	check(err)
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	config.RootCAs.AppendCertsFromPEM(authorities)
	if s["tls.cert"] != "" {
		certificate, err := tls.LoadX509KeyPair(s["tls.cert"], s["tls.key"])
		check(err)
		config.Certificates = []tls.Certificate{certificate}
	}
	return config
}

func (s security) sasl() sasl.Mechanism {
	user, pass := s["user"], s["pass"]
	switch s["sasl.mechanism"] {
	case "PLAIN":
		return plain.Auth{User: user, Pass: pass}.AsMechanism()
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: pass}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: pass}.AsSha512Mechanism()
	case "OAUTHBEARER":
		return oauth.Auth{Token: s["token"]}.AsMechanism()
	}
	check(errors.New("unknown mechanism " + s["sasl.mechanism"]))
	return nil
}
