/**
 * Resolves as soon as the condition holds. For what real servers and threads do in their own time; `between`
 * is done before each look, such as letting an injected clock go on.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  between: () => void = () => {},
  withinMs = 30_000,
): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${withinMs} ms: ${condition}`);
    between();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
