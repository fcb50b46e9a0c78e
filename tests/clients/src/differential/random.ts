/** Reproducible randomness from a seed. */

/** The seed of a run: `SEED`, or a fixed default. */
export const SEED = Number(process.env.SEED || 2025);

/** A generator of pseudo-random numbers (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 (inclusive) to 1 (exclusive). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from 0 (inclusive) to `bound` (exclusive). */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of a list. */
  one<T>(of: readonly T[]): T {
    if (of.length === 0) throw new Error('nothing to choose from');
    return of[this.below(of.length)]!;
  }

  /** The list in another order. */
  shuffled<T>(of: readonly T[]): T[] {
    const list = [...of];
    for (let last = list.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [list[last], list[other]] = [list[other]!, list[last]!];
    }
    return list;
  }

  /** At most `count` of a list. */
  some<T>(of: readonly T[], count: number): T[] {
    return this.shuffled(of).slice(0, count);
  }
}
