// Reads an array of state machines on stdin; prints, for each, what asl-validator says against it. One process for all.
const validate = require("asl-validator");

const machines = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const faults = machines.map((machine) =>
  validate(machine).errors.map((error) => `${error["Error code"]}: ${error.Message}`),
);
console.log(JSON.stringify(faults));
