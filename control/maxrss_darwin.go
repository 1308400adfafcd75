package control

// maxrssUnit is the unit of ru_maxrss in bytes: getrusage(2).
const maxrssUnit = 1
