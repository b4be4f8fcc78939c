package chart

import (
	"image/color"
	"math"
	"testing"
)

// linear is a colour's light, 0 to 1 per channel.
func linear(c color.NRGBA) [3]float64 {
	f := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return [3]float64{f(c.R), f(c.G), f(c.B)}
}

func times3(m [9]float64, v [3]float64) [3]float64 {
	var out [3]float64
	for i := range out {
		for j := range v {
			out[i] += m[3*i+j] * v[j]
		}
	}
	return out
}

// sight are the full-strength simulations of Machado, Oliveira and Fernandes
// (2009), for linear light.
var sight = map[string][9]float64{
	"full":         {1, 0, 0, 0, 1, 0, 0, 0, 1},
	"protanopia":   {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
	"deuteranopia": {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
	"tritanopia":   {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900},
}

// oklab is a space in which distance is about how different colours look.
func oklab(v [3]float64) [3]float64 {
	l := times3([9]float64{0.4122214708, 0.5363325363, 0.0514459929, 0.2119034982, 0.6806995451, 0.1073969566, 0.0883024619, 0.2817188376, 0.6299787005}, v)
	for i := range l {
		l[i] = math.Cbrt(math.Max(l[i], 0))
	}
	return times3([9]float64{0.2104542553, 0.7936177850, -0.0040720468, 1.9779984951, -2.4285922050, 0.4505937099, 0.0259040371, 0.7827717662, -0.8086757660}, l)
}

func TestColoursStayApartForEveryEye(t *testing.T) {
	// Two shades at 0.1 are told apart side by side; the last values' signs and
	// the dashes help where lines are thin.
	const apart = 0.12
	for name, th := range map[string]theme{"light": light, "dark": dark} {
		all := append(th.series[:len(th.series):len(th.series)], th.limit, th.rest)
		for eye, m := range sight {
			for i := range all {
				for j := range i {
					a, b := oklab(times3(m, linear(all[i]))), oklab(times3(m, linear(all[j])))
					if d := math.Hypot(math.Hypot(a[0]-b[0], a[1]-b[1]), a[2]-b[2]); d < apart {
						t.Errorf("%s, %s: colours %d and %d are %.3f apart", name, eye, i, j, d)
					}
				}
			}
		}
	}
}

func TestContrast(t *testing.T) {
	luminance := func(c color.NRGBA) float64 {
		v := linear(c)
		return 0.2126*v[0] + 0.7152*v[1] + 0.0722*v[2]
	}
	ratio := func(a, b color.NRGBA) float64 {
		x, y := luminance(a), luminance(b)
		return (math.Max(x, y) + 0.05) / (math.Min(x, y) + 0.05)
	}
	for name, th := range map[string]theme{"light": light, "dark": dark} {
		for i, c := range th.series {
			if r := ratio(c, th.back); r < 3 {
				t.Errorf("%s: series %d has a contrast of %.2f", name, i, r)
			}
		}
		for what, c := range map[string]color.NRGBA{"ink": th.ink, "muted": th.muted, "limit": th.limit} {
			if r := ratio(c, th.back); r < 4.5 {
				t.Errorf("%s: %s has a contrast of %.2f", name, what, r)
			}
		}
	}
}
