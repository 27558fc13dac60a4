"""Words by which personal data are known: of column names in several languages, and given names."""

__all__ = [
    "ACCOUNTS",
    "ADDRESSES",
    "EMAILS",
    "GIVEN_NAMES",
    "NAMES",
    "OF_THINGS",
    "PEOPLE",
    "PHONES",
    "STREETS",
    "TITLES",
    "WEAK_NAMES",
]


def _split(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


# Each is compared with the words of a column's name, in lower case and without accents:
# "Straße" is "strasse", "customer_eMail" is "customer", "e", "mail".

NAMES = _split(
    """
    firstname lastname surname forename fullname givenname familyname middlename maidenname
    birthname realname username nickname personname vorname nachname familienname zuname
    geburtsname benutzername prenom nomcomplet nomdefamille apellido apellidos
    nombrecompleto cognome nomecompleto sobrenome apelido voornaam achternaam fornamn
    efternamn etternavn fornavn efternavn imie nazwisko jmeno prijmeni sukunimi etunimi
    """
)
"""Names of columns of people's names, whatever else the column's name says."""

WEAK_NAMES = _split(
    """
    name names nom nombre nome naam navn namn nimi
    """
)
"""Names of columns that may hold names of people or of anything else."""

PEOPLE = _split(
    """
    person people customer client employee patient user member contact student teacher pupil
    passenger guest owner author buyer seller cardholder holder applicant borrower tenant
    subscriber recipient sender doctor physician nurse manager driver father mother spouse
    child kunde kunden mitarbeiter patientin benutzer inhaber mieter schueler lehrer cliente
    usuario empleado paciente alumno personne utilisateur employe eleve paziente dipendente
    utente klant medewerker kund klient pacjent
    """
)
"""Words that say that a name is that of a person."""

OF_THINGS = _split(
    """
    product item brand company firm business organization organisation org store shop vendor
    supplier bank school hospital city town country state region county place station street
    file folder path host domain server table column field event team project study course
    book title movie film song album game car model make species category class type group
    group island day month color colour variable feature test sample display event job role
    department produkt artikel marke firma stadt land ort ville pays produit ciudad pais
    producto citta paese prodotto bedrijf stad
    """
)
"""Words that say that a name is that of a thing."""

EMAILS = _split(
    """
    email emails mail emailaddress mailaddress emailadresse courriel correo
    correoelectronico epost sahkoposti adresemail
    """
)
"""Names of columns of e-mail addresses."""

PHONES = _split(
    """
    phone phones telephone tel telno phoneno phonenumber phonenr mobile mobilephone mobileno
    cellphone fax faxno gsm whatsapp handy handynummer telefon telefonnummer telefonnr mobil
    mobilnummer rufnummer telefono movil celular telefone telemovel telefoon telefoonnummer
    cellulare telephonenumber telefonszam puhelin
    """
)
"""Names of columns of telephone numbers."""

ADDRESSES = _split(
    """
    address addresses addr streetaddress street streetname postaladdress homeaddress adresse
    anschrift strasse wohnort rue calle direccion domicilio indirizzo endereco rua straat
    adres ulica adresa gata osoite adress
    """
)
"""Names of columns of street addresses."""

ACCOUNTS = _split(
    """
    iban bban accountnumber accountno accountnr bankaccount kontonummer kontonr konto
    creditcard creditcardnumber cardnumber cardno ccnumber kreditkarte kreditkartennummer
    ssn socialsecurity socialsecuritynumber socialsecurityno sozialversicherungsnummer svnr
    passport passportnumber passportno reisepass ausweisnummer personalausweis nationalid
    nationalinsurance nino taxid taxnumber steuernummer steuerid driverlicense
    driverslicense licensenumber personnummer dni nie nif curp rfc cpf codicefiscale bsn
    pesel nir numerosecuritesociale numerocompte numerodecuenta tarjeta numerotarjeta
    cartacredito aadhaar medicareid medicarenumber insurancenumber versichertennummer mrn
    """
)
"""Names of columns of accounts, cards, and numbers that an authority gives to people."""

STREETS = _split(
    """
    street st road rd avenue ave av lane ln drive dr boulevard blvd court ct place pl square
    sq terrace way highway hwy close crescent parkway pkwy apt apartment suite unit floor
    box po strasse str weg platz allee gasse ring ufer damm rue chemin quai impasse calle
    avenida plaza paseo carrera via viale piazza corso rua travessa straat laan plein gracht
    ulica ul aleja vagen gatan
    """
)
"""Words for kinds of streets; a longer word may end in one (Hauptstrasse)."""

TITLES = _split(
    """
    dr prof mr mrs ms herr frau sr sra jr de del der den van von la le di da
    """
)
"""Words of people's names that name nobody."""

GIVEN_NAMES = _split(
    """
    aaron achim adam adele adelheid adrian adriana adrien agata agathe agnes agneta
    agnieszka agustin ahmed aidan aisha alan alba albert alberto alejandro aleksandra
    alessandra alessandro alex alexander alexandra alexis alfred alfredo ali alice alicia
    alina alphonse alvaro amanda amandine amelia amelie amir amparo amy ana anders andre
    andrea andreas andres andrew andrzej aneta angela angelo anita ann anna anne annegret
    annette anouk anthony antoine antoinette anton antonia antonio araceli arno arthur
    arturo arvid astrid asuncion aurelie aurelio aurora aurore axel barbara bartosz beata
    beatrice begona belen ben bengt benjamin benoit bernadette bernard bernd bertrand
    bettina bill birgit birgitta bjorn blanca bob bogdan bram brandon brian brigitte britt
    bruno camilla camille candela carl carla carlo carlos carmelo carmen carol caroline
    carsten catalina catherine cecile cecilia cees celina celine chantal charles charlie
    chen chiara chloe chris christa christelle christian christina christine christoph
    christopher claire clara claude claudia claudio claus clement colette concepcion
    consuelo corinne cornelia cristian cristina cristobal cynthia daan damien daniel daniela
    daniele danielle danuta daria dario david davide deborah denis denise dennis detlef
    diana didier diego dieter dirk dmitri dolores domenico dominique donald donna doris
    dorota dorothy ebba eberhard edeltraud edith eduardo edward eleanor elena elfriede eli
    elias elif elin elisa elisabeth elizabeth elke ella ellen emanuele emelie emil emilia
    emilie emilio emily emma emmanuel encarnacion enrico enrique enriqueta enzo eric erich
    erik erika ernst erwin esperanza esteban esther ethan etienne eugene eva evelyn ewa
    fabio fabrice fatima federica federico felipe felix femke fermin fernando filippo
    florian floris frances francesca francesco francisco franck francois frank franz
    frederic frederick frederique fredrik frieda friedhelm friedrich gabriel gabriela
    gabriele gary gaston genevieve gennaro georg george gerald gerard gerda gerhard germaine
    gerrit gertrud giacomo gianluca gianni gilbert gilles giorgia giorgio giovanni gisela
    giulia giuseppe gloria gonzalo grace greg gregorio gregory grzegorz guadalupe gudrun
    guido guillaume gunilla gunnar gunther gustaf gustav guy hakan halina hanna hannah
    hanneke hannelore hans harald harold harry hartmut hassan heather hector heidi heike
    heiko heinrich heinz helen helena helene helga helmut hendrik henri henriette henrik
    henry herbert hermann herve hildegard hiroshi holger honore horst hugo ian ibrahim ida
    ignacio igor ilaria ilse ines inge ingeborg inger ingo ingrid inmaculada irene iris
    irmgard isaac isabel isabella isabelle ismael ivan iwona jacek jack jacob jacqueline
    jacques jadwiga jaime jakob jakub james jan jana jane janet janusz jason jasper javier
    jean jeanne jeffrey jennifer jens jeremy jeroen jerome jerzy jessica jim joan joanna
    joao joaquin jochen joe joel johan johann johanna johannes john jonas jonathan joost
    jorg jorge joris jose josef josefa joseph josephine joshua juan judith juergen julia
    julian julie jurgen justin justyna kai kamil karen karin karl karolina karsten katarzyna
    kate katharina katherine kathleen katja katrin kazimierz keith kenneth kerstin kevin kim
    kirsten kjell klaus koen konrad kristin kristina krystyna krzysztof kumar kurt lars
    laura lauren laurence laurent lea leah leila lena leo leon leonardo liam lieke lili lina
    linda linnea lisa liu logan lorena lorenzo lothar lotte louis louise lourdes luc luca
    lucas lucia luciano lucie lucien lucy luigi luis luisa luise lukas lukasz maarten maciej
    madeleine magdalena maja malgorzata malin manfred manuel manuela marc marcel marcelle
    marcelo marcin marco marcus marek margaret margareta margarita margot marguerite maria
    marianne marie marieke marijke marina mario marion mariusz mark markus marlies marta
    martha martin martina martine martino mary maryse massimo mateo mateusz mathias mathilde
    mats matteo matthew matthias mattia maurice max maxime megan mehmet melanie melissa mia
    michael michel michela michele michelle mieczyslaw mieke miguel mikael mike mikhail min
    minh miriam mohamed mohammed monica monika monique montserrat muhammad mustafa nadia
    nancy natalia natalie nathalie nathan nicholas nicola nicolas nicole nicoletta niels
    nieves nikolai nina nino noah nora norbert odette odile olaf olga oliver olivia olivier
    omar oscar oskar ottmar otto pablo pamela paola pascal pascual pasquale patrice patricia
    patrick paul paula paulette paulo pavel pawel pedro peter petra philip philipp philippe
    pierre pieter pietro pilar piotr priya przemyslaw rachel rafael rafal raffaele raj ralf
    ramiro ramon raul raymond raymonde rebecca regina reinhard reinhold remedios remy renata
    renate rene renee ricardo riccardo richard rita robert roberta roberto rocco rocio
    rodolfo rodrigo roger roland rolf roman ronald rosa rosario rose roswitha ruben rudolf
    ruediger rune ruth ryan ryszard sabine sabrina salvatore samantha samuel sander sandra
    sanne sara sarah scott sebastian sebastien sergei sergio sharon siegfried sigrid silke
    silvia simon simona simone sjoerd slawomir sofia sofie solange soledad sonja sophia
    sophie stanislaw stefan stefania stefanie stefano steffen stephan stephanie stephen
    steven stig stina susan susana susanne suzanne sven svetlana swetlana sylvia sylvie
    szymon tadeusz tanja tatiana teresa tess theo theodor theresa therese thibault thijs
    thomas thorben thorsten tim timothy tina tobias tom tomas tomasz tommaso tommy tony
    torsten traute tristan ulf ulla ulrich ulrike umberto ursula urszula uta utz uwe
    valentina valeria valerie valerio vanessa veit vera veronica veronique vicente victor
    viktor viktoria vincent vincenzo virginia virginie vittoria vittorio vladimir volker
    walter waltraud wang wei werner wilfried wilhelm willem william wim wojciech wolfgang
    wouter xavier yan yasmin yolanda yuki yusuf yves yvonne zacharie zbigniew zhang zoe
    zofia
    """
)
"""Frequent given names in Europe and the Americas, and some of other parts of the world."""
