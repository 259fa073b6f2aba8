// Reads an array of state machines on stdin; prints, for each, what asl-validator says against it. One process for all.
const ajv = require("ajv");

// asl-validator makes an Ajv for each machine, which compiles the same schemas: nearly all of its time. Here they share
// one. What is given to it again is the same; but a keyword may be defined once only.
class SharedAjv extends ajv.default {
  static #shared;

  constructor(options) {
    if (SharedAjv.#shared) return SharedAjv.#shared;
    super(options);
    SharedAjv.#shared = this;
  }

  addKeyword(definition) {
    const [name] = [definition.keyword ?? definition].flat();
    return this.getKeyword(name) ? this : super.addKeyword(definition);
  }
}
ajv.default = SharedAjv;

const validate = require("asl-validator");

const machines = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const faults = machines.map((machine) =>
  validate(machine).errors.map((error) => `${error["Error code"]}: ${error.Message}`),
);
console.log(JSON.stringify(faults));
