"""A folder of submissions graded from end to end: `python -m tools.course grade FOLDER`."""

import tempfile

from tools.course import feedback, gradebook, grading, lms, problem_sets, report, results, submissions
from tools.course.sheets import prepare
from tools.environment import use_own_profile


def course_of(folder):
    """The folder of submissions, and the course folder that its results go to."""
    if (folder / "submitted").is_dir():
        return folder / "submitted", folder
    return folder, folder.with_name(f"{folder.stem}-graded")


def grade_folder(folder, course, only=None, class_list=None, seconds=25, jobs=2):
    """Grade what is new in ``folder``, write all that follows from it, and return the records.

    Points that people have given in the meantime are taken up: run it again when all is read.
    """
    course.mkdir(parents=True, exist_ok=True)
    sheets = prepare(course, [only] if only else problem_sets())
    everyone = lms.people(class_list) if class_list else []
    found = submissions.handed_in(folder, course / "unpacked", sheets)
    lms.flag_foreign(found, everyone)
    with tempfile.TemporaryDirectory() as profile:
        use_own_profile(profile)
        records = grading.grade(course, found, sheets, seconds, jobs)
    gradebook.write(course, records, everyone)
    records = gradebook.read(course, records)
    records += results.absent(everyone, records, sheets)
    records = [results.completed(record, sheets[record["set"]]) for record in records]
    feedback.write(course, records)
    results.write(records, course / "results.csv")
    for name in sorted({record["set"] for record in records}):
        report.write([record for record in records if record["set"] == name], name, course / "report")
    return records


def tell(records, course):
    """Print the table, what the class has slipped on, and where everything is."""
    print(results.show(records))
    for name in sorted({record["set"] for record in records}):
        print(f"{name}:", report.told([record for record in records if record["set"] == name]))
    print(f"Table: {course / 'results.csv'}. The class: {course / 'report'}. Feedback: {course / 'feedback'}")


def give_back(path, records, course, title=None, also=()):
    """The class list, of Canvas or Moodle, with the points of each set; return what was written."""
    written = []
    for name in sorted({record["set"] for record in records}):
        those = [record for record in records if record["set"] == name]
        to = course / f"{name}-{path.name}"
        marks = results.marks(those, also)
        count = lms.fill(path, marks, title or name, those[0]["of"], to)
        pages = course / f"{name}-feedback.zip"
        lms.feedback_archive(those, lambda record: feedback.page(course, record), pages)
        left = len(those) - count
        written.append(f"{to}: {count} marks, {left} left as they are. Pages for students: {pages}")
    return written
