import type { Generator } from "crease";

/** Axes of the body: x forward, y left, z up. */
type Vector = readonly [x: number, y: number, z: number];

/** What the pilot moves, each from -1 to 1. */
export const controlNames = ["collective", "roll", "pitch", "yaw"] as const;

/** What is measured of the state: velocity, turn rates, and the direction of up, all along the body's axes. */
export const stateNames = ["vx", "vy", "vz", "roll rate", "pitch rate", "yaw rate", "up x", "up y", "up z"] as const;

/** What is to be predicted: acceleration without gravity in m/s², and of the turn rates in rad/s². */
export const axisNames = ["forward", "left", "up", "roll", "pitch", "yaw"] as const;

/** One flight, a row per sample. */
export interface Flight {
  /** `stateNames`, as measured. */
  readonly states: readonly number[][];
  /** `controlNames`. */
  readonly controls: readonly number[][];
  /** `axisNames`, as measured. */
  readonly accelerations: readonly number[][];
}

/** Seconds between samples, and how many steps of integration that is. */
export const SAMPLE = 0.04;
const STEPS = 8;

/** Standard deviations of what the instruments add: velocity (m/s), rates (rad/s), up; acceleration of each axis. */
const STATE_NOISE = [0.1, 0.1, 0.1, 0.02, 0.02, 0.02, 0.005, 0.005, 0.005];
export const ACCELERATION_NOISE = [0.15, 0.15, 0.25, 0.1, 0.1, 0.05];

const GRAVITY = 9.81;

const clamp = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));

const cross = ([a, b, c]: Vector, [x, y, z]: Vector): Vector => [b * z - c * y, c * x - a * z, a * y - b * x];

const plus = (a: Vector, b: Vector, scale = 1): Vector => [
  a[0] + scale * b[0],
  a[1] + scale * b[1],
  a[2] + scale * b[2],
];

/**
 * A rigid body under a rotor, of made-up but plausible numbers. What a model of the present state alone cannot know: the
 * rotor's thrust and tilt follow the controls late, and its mast vibrates. What a linear model cannot know: drag grows
 * with the square of speed, lift grows with airspeed, thrust has a least and a greatest value, and tilts with the rotor.
 */
class Helicopter {
  velocity: Vector = [0, 0, 0];
  rates: Vector = [0, 0, 0];
  /** The world's up along the body's axes. */
  up: Vector = [0, 0, 1];
  /** Acceleration by forces other than gravity, and of the rates. */
  force: Vector = [0, 0, GRAVITY];
  turn: Vector = [0, 0, 0];
  private thrust = GRAVITY;
  private tiltForward = 0;
  private tiltLeft = 0;
  private tail = 0;
  private mast = 0;
  private mastSpeed = 0;

  /** One step of the semi-implicit Euler method: forces first, then speeds, then places. */
  step([collective, roll, pitch, yaw]: readonly number[], seconds: number): void {
    const [vx, vy, vz] = this.velocity;
    const [p, q, r] = this.rates;
    const speed = Math.hypot(vx, vy, vz);
    const airspeed = Math.hypot(vx, vy);

    // the rotor's lag
    const lift = 1 + 0.35 * Math.tanh(airspeed / 6);
    const wanted = clamp(GRAVITY * (1 + 0.9 * collective) * lift - 1.1 * vz, 0.15 * GRAVITY, 1.9 * GRAVITY);
    const before = this.thrust;
    this.thrust += (seconds / 0.12) * (wanted - this.thrust);
    this.tiltForward += (seconds / 0.08) * (0.22 * pitch - 0.012 * vx - 0.03 * q - this.tiltForward);
    this.tiltLeft += (seconds / 0.08) * (-0.22 * roll - 0.012 * vy + 0.03 * p - this.tiltLeft);
    this.tail += (seconds / 0.06) * (yaw - this.tail);

    // vibration: the mast, at 5 Hz, is struck by changes of thrust and shaken by airspeed
    this.mastSpeed +=
      seconds *
      (-((2 * Math.PI * 5) ** 2) * this.mast - 2.5 * this.mastSpeed + 0.5 * ((this.thrust - before) / seconds));
    this.mast += seconds * this.mastSpeed;
    const shake = this.mastSpeed * (1 + 0.15 * airspeed);

    const drag = 0.06 * speed;
    this.force = [
      this.thrust * this.tiltForward - drag * vx,
      this.thrust * this.tiltLeft - 1.6 * drag * vy,
      this.thrust - 2.2 * drag * vz + shake,
    ];
    this.turn = [
      -3.5 * this.thrust * this.tiltLeft - 4 * p - 0.8 * p * Math.abs(p) + 0.25 * vy,
      3.0 * this.thrust * this.tiltForward - 3.5 * q - 0.8 * q * Math.abs(q) - 0.15 * vx,
      9 * this.tail - 2.5 * r - 1.2 * r * Math.abs(r) - 0.3 * (this.thrust - GRAVITY) - 0.05 * vx * vy,
    ];

    this.rates = plus(this.rates, this.turn, seconds);
    const change = plus(plus(this.force, this.up, -GRAVITY), cross(this.rates, this.velocity), -1);
    this.velocity = plus(this.velocity, change, seconds);
    const turned = plus(this.up, cross(this.rates, this.up), -seconds);
    const length = Math.hypot(...turned);
    this.up = [turned[0] / length, turned[1] / length, turned[2] / length];
  }
}

/** Somebody who wants another lean, climb and turn every half to two seconds, and steers towards it. */
class Pilot {
  private left = 0;
  private lean: readonly [x: number, y: number] = [0, 0];
  private climb = 0;
  private turn = 0;

  constructor(private readonly generator: Generator) {}

  controls({ up, rates, velocity }: Helicopter): number[] {
    const { generator } = this;
    const between = (size: number): number => size * (2 * generator.uniform() - 1);
    if (this.left-- <= 0) {
      this.left = (0.5 + 1.5 * generator.uniform()) / SAMPLE;
      this.lean = [between(0.9), between(0.9)];
      this.climb = between(8);
      this.turn = between(2.5);
    }
    const rise = up[0] * velocity[0] + up[1] * velocity[1] + up[2] * velocity[2];
    return [
      0.25 * (this.climb - rise),
      2.5 * (this.lean[1] - up[1]) - 0.3 * rates[0],
      -2.5 * (this.lean[0] - up[0]) - 0.3 * rates[1],
      0.6 * (this.turn - rates[2]),
    ].map((one) => clamp(one + 0.05 * generator.normal(), -1, 1));
  }
}

/** A flight of so many samples; the same generator, the same flight. */
export function fly(samples: number, generator: Generator): Flight {
  const helicopter = new Helicopter();
  const pilot = new Pilot(generator);
  const noisy = (values: readonly number[], sizes: readonly number[]): number[] =>
    values.map((value, i) => value + sizes[i] * generator.normal());
  const states: number[][] = [];
  const controls: number[][] = [];
  const accelerations: number[][] = [];
  for (let sample = 0; sample < samples; sample++) {
    const moved = pilot.controls(helicopter);
    const { velocity, rates, up } = helicopter;
    states.push(noisy([...velocity, ...rates, ...up], STATE_NOISE));
    controls.push(moved);
    for (let step = 0; step < STEPS; step++) {
      helicopter.step(moved, SAMPLE / STEPS);
      if (step === 0) accelerations.push(noisy([...helicopter.force, ...helicopter.turn], ACCELERATION_NOISE));
    }
  }
  return { states, controls, accelerations };
}
