package uring

import "encoding/binary"

// littleEndian is the byte order of the machine.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1
