/** Curves and stacked areas over one axis, a panel for each contender or question; as data, to be drawn later. */
export interface SeriesPicture {
  readonly kind: 'series';
  /** The name of its file, without an ending. */
  readonly name: string;
  readonly title: string;
  readonly x: Axis;
  /** Where panels' titles don't say it. */
  readonly y?: Pick<Axis, 'label'>;
  /** Where on the x axis something was the matter, and what. */
  readonly bands?: readonly Band[];
  readonly panels: readonly Panel[];
  /** Panels beside each other; 3 by default. */
  readonly columns?: number;
  /** Whether all panels share one y axis, so that they compare at a look; false by default. */
  readonly sameY?: boolean;
}

export interface Axis {
  readonly label: string;
  readonly scale?: 'linear' | 'logarithmic';
}

export interface Band {
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

export interface Panel {
  readonly title: string;
  /** A second line, smaller. */
  readonly subtitle?: string;
  readonly x: readonly number[];
  readonly series: readonly Series[];
  /** What it should stay below, where there is such a figure. */
  readonly bound?: number;
}

export interface Series {
  /** Its place in the legend, which is left out where all labels are one. */
  readonly label: string;
  /** Areas are stacked on each other in their order; lines and dotted lines are drawn over them. */
  readonly as: 'area' | 'line' | 'dots';
  readonly tone: Tone;
  /** One for each x; null: nothing was there. */
  readonly y: readonly (number | null)[];
}

/** What a series means, which decides its colour. */
export type Tone = 'good' | 'fair' | 'waiting' | 'bad' | 'worse' | 'plain';
