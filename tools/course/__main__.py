"""The command line: `python -m tools.course --help` prints what the package's docstring says."""

import argparse
import sys
from pathlib import Path

import tools.course
from tools.course import problem_sets


def parser():
    made = argparse.ArgumentParser(
        prog="python -m tools.course",
        description=tools.course.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = made.add_subparsers(dest="command")
    command = commands.add_parser("release", help="the student versions alone")
    command.add_argument("folder", type=Path)
    command = commands.add_parser("grade", help="grade a folder of submissions")
    command.add_argument(
        "folder", type=Path, help="files as they came, archives too; or nbgrader's course folder"
    )
    command.add_argument("--to", type=Path, help="the course folder for all results (FOLDER-graded)")
    command.add_argument("--set", choices=problem_sets(), help="all of it is of this set")
    command.add_argument(
        "--class", dest="people", type=Path, help="Canvas gradebook, Moodle worksheet or students.csv"
    )
    command.add_argument("--column", help="the assignment's name in Canvas (the name of the set)")
    command.add_argument(
        "--also", nargs="*", default=[], choices=["unread", "partly"], help="marks for these too"
    )
    command.add_argument(
        "--seconds", type=float, default=25, help="that a cell may take (25; 5 more to stop)"
    )
    command.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    command = commands.add_parser("solutions", help="the solutions of sets, for students")
    command.add_argument("folder", type=Path)
    command.add_argument("--release", nargs="+", required=True, choices=problem_sets(), metavar="SET")
    return made


def main(arguments):
    options = parser().parse_args(arguments)
    if options.command is None:
        from tools.course import samples

        samples.main()
    elif options.command == "release":
        from tools.course.sheets import release

        release(options.folder.resolve())
    elif options.command == "solutions":
        from tools.course.solutions import bundle

        print(bundle(options.release, options.folder.resolve()))
    else:
        grade(options)


def grade(options):
    from tools.course import chain, lms

    folder = options.folder.resolve()
    if not folder.exists():
        sys.exit(f"{folder} does not exist")
    folder, course = chain.course_of(folder)
    course = options.to.resolve() if options.to else course
    try:
        records = chain.grade_folder(
            folder, course, options.set, options.people, options.seconds, options.jobs
        )
        chain.tell(records, course)
        if options.people and lms.Table.read(options.people).kind != "nbgrader":
            print(*chain.give_back(options.people, records, course, options.column, options.also), sep="\n")
    except ValueError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main(sys.argv[1:])
