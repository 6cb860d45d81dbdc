// How much: the parts of a volume.

/** No journeys for so many seconds. */
export const nothing = (seconds) => ({ kind: "nothing", seconds });
/** So many journeys at once, for so many seconds. */
export const constant = (seconds, journeys) => ({ kind: "constant", seconds, journeys });
/** From where the part before ends to where the part after begins. */
export const ramp = (seconds) => ({ kind: "ramp", seconds, start: null, end: null });
/** From where the part before ends (0 if it is the first) to so many. */
ramp.to = (seconds, journeys) => ({ kind: "ramp", seconds, start: null, end: journeys });
ramp.between = (seconds, start, end) => ({ kind: "ramp", seconds, start, end });

const startOf = (part) => (part.kind === "ramp" ? part.start : part.kind === "constant" ? part.journeys : 0);
const endOf = (part) => (part.kind === "ramp" ? part.end : startOf(part));

function checked(part) {
  const kinds = ["nothing", "constant", "ramp"];
  if (!kinds.includes(part?.kind)) throw new TypeError("a volume is made of constant(), ramp() and nothing(), or a volume model");
  if (!(part.seconds >= 0)) throw new RangeError(`a part of a volume lasts ${part.seconds} s`);
  for (const number of [startOf(part), endOf(part)]) {
    if (number !== null && !(Number.isInteger(number) && number >= 0)) throw new RangeError(`${number} is no number of journeys`);
  }
  return part;
}

// What has to stand between two parts so that a ramp among them has the end it was given.
function meeting(before, after) {
  const [end, start] = [endOf(before), startOf(after)];
  const ramps = [before, after].filter((part) => part.kind === "ramp").length;
  if (ramps === 2) {
    if (end === null && start === null) throw new RangeError("a ramp follows another and neither says where they meet: ramp.to");
    if (end !== null && start !== null && end !== start) {
      throw new RangeError(`a ramp to ${end} is followed by one from ${start}: put a constant between them`);
    }
    return [constant(0, end ?? start)];
  }
  if (ramps === 1 && end !== null && start !== null && end !== start) {
    return [constant(0, before.kind === "ramp" ? end : start)];
  }
  return [];
}

/** Parts in the host's form, which wants a ramp's ends only where no neighbour gives them. */
export function parts(volume) {
  const given = (Array.isArray(volume) ? volume : [volume]).map(checked);
  if (!given.length) throw new RangeError("a volume without parts");
  return given.flatMap((part, at) => {
    const between = at ? meeting(given[at - 1], part) : [];
    if (part.kind !== "ramp") return [...between, part];
    const last = at === given.length - 1;
    if (last && part.end === null) throw new RangeError("the last ramp doesn't say where it ends: ramp.to");
    return [...between, { ...part, start: at ? null : (part.start ?? 0), end: last ? part.end : null }];
  });
}
