// Parses diagrams with PlantUML and with Structurizr. Arguments: files, *.puml and *.dsl. Prints a line for each:
// its name, then "ok" or the error. PlantUML also draws an SVG next to its file.

import com.structurizr.dsl.StructurizrDslParser;
import com.structurizr.util.WorkspaceUtils;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import net.sourceforge.plantuml.FileFormat;
import net.sourceforge.plantuml.FileFormatOption;
import net.sourceforge.plantuml.SourceStringReader;
import net.sourceforge.plantuml.core.DiagramDescription;

public class Check {
    public static void main(String[] arguments) throws Exception {
        System.setProperty("java.awt.headless", "true");
        for (String argument : arguments) {
            Path path = Path.of(argument);
            String told;
            try {
                told = argument.endsWith(".dsl") ? structurizr(path) : plantuml(path);
            } catch (Exception error) {
                told = String.valueOf(error.getMessage()).replaceAll("\\s+", " ");
            }
            System.out.println(path.getFileName() + "\t" + told);
        }
    }

    private static String structurizr(Path path) throws Exception {
        StructurizrDslParser parser = new StructurizrDslParser();
        parser.parse(path.toFile());
        var json = WorkspaceUtils.toJson(parser.getWorkspace(), false);
        Files.writeString(Path.of(path + ".json"), json);
        return "ok";
    }

    private static String plantuml(Path path) throws Exception {
        SourceStringReader reader = new SourceStringReader(Files.readString(path));
        ByteArrayOutputStream drawn = new ByteArrayOutputStream();
        DiagramDescription description = reader.outputImage(drawn, new FileFormatOption(FileFormat.SVG));
        String svg = drawn.toString(StandardCharsets.UTF_8);
        Files.writeString(Path.of(path + ".svg"), svg);
        boolean failed = description == null || description.getDescription().contains("rror")
            || svg.contains("Syntax Error") || svg.contains("Cannot open") || svg.contains("has crashed");
        return failed ? "error: " + (description == null ? "no diagram" : description.getDescription()) : "ok";
    }
}
