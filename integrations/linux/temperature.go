package linux

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"watchstander/bot"
)

// sensor is one temperature with the limit that its maker or we give it, in °C.
type sensor struct {
	name    string
	celsius float64
	limit   float64
}

// temperature gives the sensor that is nearest to its limit; nothing on hosts
// without sensors, which most virtual ones are. The names of the files are those
// of the kernel's hwmon drivers.
func (p *Probe) temperature() []bot.Reading {
	dir := filepath.Join(p.o.Sys, "class", "hwmon")
	inputs, err := filepath.Glob(filepath.Join(dir, "hwmon*", "temp*_input"))
	if err != nil || len(inputs) == 0 {
		return nil
	}
	var worst sensor
	n := 0
	for _, input := range inputs {
		s, ok := p.sensor(input)
		if !ok {
			continue
		}
		if n++; n == 1 || s.limit-s.celsius < worst.limit-worst.celsius {
			worst = s
		}
	}
	if n == 0 {
		return nil
	}
	value := fmt.Sprintf("%.0f °C at %s", worst.celsius, worst.name)
	if n > 1 {
		value += fmt.Sprintf(", the nearest to its limit of %d sensors", n)
	}
	var why string
	if worst.celsius >= worst.limit {
		why = fmt.Sprintf("its limit is %.0f °C", worst.limit)
	}
	return []bot.Reading{judged("temperature", dir, value, why).With(worst.celsius, bot.FigureCelsius)}
}

// sensor reads one. Chips list inputs to which nothing is wired: those fail or
// tell absurd figures, and are passed over.
func (p *Probe) sensor(input string) (sensor, bool) {
	chip := textOf(filepath.Join(filepath.Dir(input), "name"))
	// Asking a sleeping disk for its temperature can keep it from its sleep.
	if chip == "drivetemp" {
		return sensor{}, false
	}
	celsius, ok := milli(input)
	if !ok || celsius <= 0 || celsius > 150 {
		return sensor{}, false
	}
	stem := strings.TrimSuffix(input, "_input")
	s := sensor{celsius: celsius, limit: p.o.Limits.Temperature}
	// A negative limit of the configuration is infinite, and means it.
	if crit, ok := milli(stem + "_crit"); ok && crit > 20 && crit <= 150 && s.limit <= 150 {
		s.limit = crit
	}
	s.name = line(strings.TrimSpace(chip + " " + textOf(stem+"_label")))
	if s.name == "" {
		s.name = filepath.Base(stem)
	}
	return s, true
}

// textOf is the text of a small file, "" when it cannot be read.
func textOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// milli reads a figure in thousandths.
func milli(path string) (float64, bool) {
	n, err := strconv.ParseInt(textOf(path), 10, 64)
	return float64(n) / 1000, err == nil
}
