/** Random numbers from a seed and a name: each use has a stream of its own, so that a rewound
 * game starts with the same numbers, and more data for one player leave the other's alone. */

/** Hash text to 32 bits (FNV-1a), for the state of a generator. */
function hash(text) {
  let state = 2166136261;
  for (let index = 0; index < text.length; index += 1) {
    state = Math.imul(state ^ text.charCodeAt(index), 16777619);
  }
  return state >>> 0;
}

/** A stream of random numbers: sfc32 of Chris Doty-Humphrey's PractRand. */
export class Random {
  /** Start the stream of this seed and this name. */
  constructor(seed, name) {
    this.a = hash(`a ${seed} ${name}`);
    this.b = hash(`b ${seed} ${name}`);
    this.c = hash(`c ${seed} ${name}`);
    this.counter = 1;
    for (let warm = 0; warm < 16; warm += 1) this.uniform();
  }

  /** Draw from U[0, 1). */
  uniform() {
    const drawn = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + drawn;
    this.c |= 0;
    return (drawn >>> 0) / 4294967296;
  }

  /** Draw from N(0, 1), by Box and Muller. */
  normal() {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Draw a whole number from 0 to below n. */
  integer(n) {
    return Math.floor(n * this.uniform());
  }

  /** Draw n numbers from N(0, 1). */
  normals(n) {
    return Float64Array.from({ length: n }, () => this.normal());
  }

  /** Draw n numbers from U[0, 1). */
  uniforms(n) {
    return Float64Array.from({ length: n }, () => this.uniform());
  }
}
