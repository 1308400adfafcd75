// Package stats holds the statistics behind every claim of a run: exact,
// distribution-free methods for few pairs. All functions are pure; those that
// draw random numbers take a seed. Arguments are never modified and hold no
// NaN unless a function says otherwise.
//
// The unit of evidence is a pair of trials, so n is 6 to 40. Everything is
// exact there (enumerated or convolved), never a normal approximation.
//
// Sources: Hodges and Lehmann, Annals of Mathematical Statistics 34 (1963) (also for two samples);
// Hollander, Wolfe, Chicken, Nonparametric Statistical Methods, chapter 3
// (signed ranks, Walsh averages, order statistics); Schuirmann, Journal of
// Pharmacokinetics and Biopharmaceutics 15 (1987) (two one-sided tests); Holm,
// Scandinavian Journal of Statistics 6 (1979); Pettitt, Applied Statistics 28
// (1979) (change point); Williams, Australian Journal of Scientific Research
// A2 (1949) (order of treatments).
package stats
