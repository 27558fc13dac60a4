/** Drawing the data: with a pointer, or with arrow keys and Enter. */

import { MOST_DRAWN } from "./address.js";

const STEP = 0.12;
const REACH = 2.3;

/** A pen on a canvas; `onDraw(points)` hears of new points, `getScales()` says where they are. */
export class Pen {
  constructor(canvas, getScales, onDraw) {
    this.canvas = canvas;
    this.getScales = getScales;
    this.onDraw = onDraw;
    this.points = [];
    this.isOn = false;
    this.isDown = false;
    this.place = [0, 0];
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, () => this.lift());
    }
    canvas.addEventListener("keydown", (event) => this.type(event));
  }

  /** Switch the pen on or off. */
  set(isOn) {
    this.isOn = isOn;
    this.canvas.tabIndex = isOn ? 0 : -1;
    this.canvas.setAttribute("role", isOn ? "application" : "img");
    document.body.classList.toggle("is-drawn", isOn);
  }

  press(event) {
    if (!this.isOn) return;
    this.isDown = true;
    this.canvas.setPointerCapture(event.pointerId);
    this.move(event);
  }

  move(event) {
    const scales = this.getScales();
    if (!this.isDown || !scales) return;
    const box = this.canvas.getBoundingClientRect();
    this.add(
      scales.x.invert(event.clientX - box.left),
      scales.y.invert(event.clientY - box.top),
    );
  }

  /** Add a point, unless it lies on the last one or outside. */
  add(x, y) {
    const last = this.points.at(-1);
    const isNear = last && Math.hypot(last[0] - x, last[1] - y) < STEP / 2;
    const isOutside = Math.max(Math.abs(x), Math.abs(y)) > REACH;
    if (isNear || isOutside || this.points.length >= MOST_DRAWN) return;
    this.points.push([x, y]);
    this.mark();
  }

  /** Show the last point at once, before the game has taken it in. */
  mark() {
    const scales = this.getScales();
    const context = this.canvas.getContext("2d");
    const [x, y] = this.points.at(-1);
    context.beginPath();
    context.arc(scales.x(x), scales.y(y), 5, 0, 2 * Math.PI);
    context.fill();
  }

  lift() {
    if (!this.isDown) return;
    this.isDown = false;
    this.onDraw(this.points);
  }

  type(event) {
    const moves = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
    };
    const direction = moves[event.key];
    if (!this.isOn || (!direction && event.key !== "Enter")) return;
    event.preventDefault();
    if (direction) {
      const clip = (value) => Math.max(-REACH, Math.min(REACH, value));
      this.place = this.place.map((value, axis) => clip(value + STEP * direction[axis]));
      this.showCross();
    } else {
      this.add(...this.place);
      this.onDraw(this.points);
    }
  }

  /** Draw the cross of the keyboard. */
  showCross() {
    const scales = this.getScales();
    if (!scales) return;
    const [x, y] = [scales.x(this.place[0]), scales.y(this.place[1])];
    const context = this.canvas.getContext("2d");
    context.beginPath();
    context.moveTo(x - 7, y);
    context.lineTo(x + 7, y);
    context.moveTo(x, y - 7);
    context.lineTo(x, y + 7);
    context.stroke();
  }
}
