/**
 * Makes the function that tells whether a request comes by for the first time: a gate that stands in its way twice judges
 * it once, for its second judgement would find the key taken, and the place used, by its first.
 */
export function firstTimeHere(): (req: object) => boolean {
  // A mark on the request: a WeakSet takes several times as long.
  const seen = Symbol('slackwater.seen');
  return (req) => {
    const marks: { [seen]?: true } = req;
    if (marks[seen] === true) return false;
    marks[seen] = true;
    return true;
  };
}
