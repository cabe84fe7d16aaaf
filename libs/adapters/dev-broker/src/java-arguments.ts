import { classArchiveArguments, type JavaRuntime } from './class-archive'

/**
 * What Kafka's programs are started with. The serial collector and the first compiler alone: a broker for tests lives for seconds, and start-up is most of what it
 * does. `classArchive`: what Java is told of its archive of classes; default: that it may use the one there is.
 */
export function javaArguments(
  { java, jars }: JavaRuntime,
  {
    heapMiB,
    classArchive = classArchiveArguments({ java, jars }),
  }: { readonly heapMiB: number; readonly classArchive?: readonly string[] | undefined },
): readonly string[] {
  return [
    ...[`-Xmx${heapMiB}m`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Djava.awt.headless=true'],
    ...classArchive,
    ...['-cp', jars.classPath],
  ]
}
