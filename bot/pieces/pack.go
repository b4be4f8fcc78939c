package pieces

import (
	"strings"
	"unicode/utf8"

	"watchstander/bot"
)

// Cost is how many bytes of a post a piece needs at most.
func (x Platform) Cost(p Piece) int {
	n := x.Frame(p.Kind)
	for _, s := range p.Text {
		n += x.Span(s, p.Kind)
	}
	return n
}

// cut makes pieces of a piece that are not too dear each: at line breaks where it can,
// else between characters.
func (x Platform) cut(p Piece) []Piece {
	if x.Cost(p) <= x.MostPiece {
		return []Piece{p}
	}
	var all []Piece
	now, sum := Piece{Kind: p.Kind, Block: p.Block, Cont: p.Cont}, x.Frame(p.Kind)
	for _, s := range p.Text {
		for rest := s.Text; rest != ""; {
			part := s
			part.Text = rest[:Seam(rest, x.MostSpan)]
			rest = rest[len(part.Text):]
			c := x.Span(part, p.Kind)
			if sum+c > x.MostPiece && len(now.Text) > 0 {
				all = append(all, now)
				now, sum = Piece{Kind: p.Kind, Block: p.Block, Cont: true}, x.Frame(p.Kind)
			}
			now.Text, sum = join(now.Text, part), sum+c
		}
	}
	return append(all, now)
}

// join appends a span, and makes one of two that differ in nothing but their words: a
// link that was cut is told once.
func join(t bot.Text, s bot.Span) bot.Text {
	if last := len(t) - 1; last >= 0 && t[last].Style == s.Style && t[last].URL == s.URL {
		t[last].Text += s.Text
		return t
	}
	return append(t, s)
}

// Seam is where to cut a string to at most size bytes: after the last line break in its
// second half, else after a blank there, else before a character.
func Seam(s string, size int) int {
	if len(s) <= size {
		return len(s)
	}
	for _, sep := range []string{"\n", " "} {
		if i := strings.LastIndex(s[size/2:size], sep); i >= 0 {
			return size/2 + i + 1
		}
	}
	for size > 1 && !utf8.RuneStart(s[size]) {
		size--
	}
	return size
}

// Pack puts pieces into as few parts as hold them, each of at most budget bytes.
func (x Platform) Pack(all []Piece, budget int) [][]Piece {
	var parts [][]Piece
	var part []Piece
	sum := 0
	for _, whole := range all {
		for _, p := range x.cut(whole) {
			c := x.Cost(p)
			if sum+c > budget && len(part) > 0 {
				parts, part, sum = append(parts, part), nil, 0
			}
			sum += c
			if last := len(part) - 1; p.Cont && last >= 0 {
				for _, s := range p.Text {
					part[last].Text = join(part[last].Text, s)
				}
				continue
			}
			if p.Cont && (p.Kind == Title || p.Kind == Item) {
				p.Kind = Para // a title is a title once, and an item begins once
			}
			part = append(part, p)
		}
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}
