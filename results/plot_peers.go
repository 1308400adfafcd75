package results

// peerLooks are those of the servers of other programs in the shipped suites.
// Their colours are no backend's; two configurations of one program have one
// hue and one shape, the one as shipped paler. They stand in rows that say
// their names, so shapes may be those of backends.
var peerLooks = map[string]look{
	"floor":            {rgb(0x4A4A6A), nil, nil},
	"nginx":            {rgb(0x1B7837), shapeUp, nil},
	"nginx-default":    {rgb(0x7FBF7B), shapeUp, []float64{4, 2}},
	"lighttpd":         {rgb(0x6A3D9A), shapeSquare, nil},
	"lighttpd-default": {rgb(0xB294D1), shapeSquare, []float64{4, 2}},
	"apache":           {rgb(0xB2182B), shapePentagon, nil},
	"apache-default":   {rgb(0xEF8A62), shapePentagon, []float64{4, 2}},
	"fasthttp":         {rgb(0x01665E), shapeStar, nil},
	"nethttp":          {rgb(0x5AB4AC), shapePlus, nil},
}
